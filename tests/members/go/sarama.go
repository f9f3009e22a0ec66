// A member on sarama, which tells of partitions one by one: a claim's goroutine begins when it has come and ends when it goes.
package main

import (
	"context"
	"time"

	"github.com/IBM/sarama"
)

type handler struct{}

func (handler) Setup(sarama.ConsumerGroupSession) error   { return nil }
func (handler) Cleanup(sarama.ConsumerGroupSession) error { return nil }

func (handler) ConsumeClaim(session sarama.ConsumerGroupSession, claim sarama.ConsumerGroupClaim) error {
	mine := []int32{claim.Partition()}
	tell("assigned", session.GenerationID(), mine)
	for message := range claim.Messages() {
		say("read", message.Partition, message.Offset, message.Offset)
		session.MarkMessage(message, "")
	}
	tell("revoked", session.GenerationID(), mine)
	return nil
}

func saramaMember(ctx context.Context, s settings) error {
	strategies := map[string]sarama.BalanceStrategy{"range": sarama.NewBalanceStrategyRange(), "roundrobin": sarama.NewBalanceStrategyRoundRobin(),
		"sticky": sarama.NewBalanceStrategySticky(), "cooperative-sticky": sarama.NewBalanceStrategyCooperativeSticky()}
	config := sarama.NewConfig()
	config.Version = sarama.MaxVersion // the newest of each API that the broker offers
	config.Consumer.Group.Rebalance.GroupStrategies = []sarama.BalanceStrategy{strategies[s.assignor]}
	config.Consumer.Group.Session.Timeout = s.session
	config.Consumer.Group.Heartbeat.Interval = s.heartbeat
	config.Consumer.Group.Rebalance.Timeout = s.maxPoll
	config.Consumer.Offsets.Initial = sarama.OffsetOldest
	config.Consumer.Offsets.AutoCommit.Interval = 300 * time.Millisecond
	group, err := sarama.NewConsumerGroup(s.brokers, s.group, config)
	if err != nil {
		return err
	}
	say("started")
	for ctx.Err() == nil {
		if err := group.Consume(ctx, []string{s.topic}, handler{}); err != nil && ctx.Err() == nil {
			say("note", err)
		}
	}
	return group.Close()
}
