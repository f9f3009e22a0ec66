// A member on franz-go. Records are told between a poll and the next, during which the group cannot take partitions away.
package main

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

func teller(what string) func(context.Context, *kgo.Client, map[string][]int32) {
	return func(ctx context.Context, client *kgo.Client, given map[string][]int32) {
		if what == "revoked" {
			if err := client.CommitUncommittedOffsets(ctx); err != nil {
				say("note", err)
			}
		}
		_, generation := client.GroupMetadata()
		for _, partitions := range given {
			tell(what, generation, partitions)
		}
	}
}

func franz(ctx context.Context, s settings) error {
	balancers := map[string]kgo.GroupBalancer{"range": kgo.RangeBalancer(), "roundrobin": kgo.RoundRobinBalancer(), "sticky": kgo.StickyBalancer(),
		"cooperative-sticky": kgo.CooperativeStickyBalancer()}
	client, err := kgo.NewClient(kgo.SeedBrokers(s.brokers...), kgo.ConsumerGroup(s.group), kgo.ConsumeTopics(s.topic),
		kgo.Balancers(balancers[s.assignor]), kgo.SessionTimeout(s.session), kgo.HeartbeatInterval(s.heartbeat), kgo.RebalanceTimeout(s.maxPoll),
		kgo.AutoCommitInterval(300*time.Millisecond), kgo.BlockRebalanceOnPoll(), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.OnPartitionsAssigned(teller("assigned")), kgo.OnPartitionsRevoked(teller("revoked")), kgo.OnPartitionsLost(teller("lost")))
	if err != nil {
		return err
	}
	say("started")
	for ctx.Err() == nil {
		fetches := client.PollRecords(ctx, 500)
		fetches.EachError(func(_ string, p int32, err error) {
			if ctx.Err() == nil {
				say("note", p, err)
			}
		})
		fetches.EachPartition(func(p kgo.FetchTopicPartition) {
			for _, r := range p.Records {
				say("read", p.Partition, r.Offset, r.Offset)
			}
		})
		client.AllowRebalance()
	}
	client.CloseAllowingRebalance()
	return nil
}
