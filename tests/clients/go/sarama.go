// sarama, whose admin client asks the versions of the Kafka release that it is told, as far as the broker has them.
package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/IBM/sarama"
)

type saramaClient struct {
	brokers []string
}

var saramaCodecs = map[string]sarama.CompressionCodec{"none": sarama.CompressionNone, "gzip": sarama.CompressionGZIP,
	"snappy": sarama.CompressionSnappy, "lz4": sarama.CompressionLZ4, "zstd": sarama.CompressionZSTD}

func newSarama(brokers []string) client { return saramaClient{brokers} }

func (saramaClient) codecs() []string { return []string{"none", "gzip", "snappy", "lz4", "zstd"} }

func (saramaClient) config() *sarama.Config {
	config := sarama.NewConfig()
	config.Version = sarama.MaxVersion
	config.Producer.Idempotent = true
	config.Producer.RequiredAcks = sarama.WaitForAll
	config.Producer.Return.Successes = true
	config.Producer.Retry.Max = 100
	config.Producer.Partitioner = sarama.NewManualPartitioner
	config.Producer.Flush.MaxMessages = 20
	config.Net.MaxOpenRequests = 1
	config.Metadata.Retry.Max = 20
	config.Admin.Retry.Max = 20
	return config
}

func (s saramaClient) dial() (sarama.Client, sarama.ClusterAdmin, error) {
	client, err := sarama.NewClient(s.brokers, s.config())
	if err != nil {
		return nil, nil, err
	}
	admin, err := sarama.NewClusterAdminFromClient(client)
	return client, admin, err
}

func (s saramaClient) create(_ context.Context, topic string) error {
	_, admin, err := s.dial()
	if err != nil {
		return err
	}
	defer admin.Close()
	two := "2"
	detail := &sarama.TopicDetail{NumPartitions: partitions, ReplicationFactor: 3, ConfigEntries: map[string]*string{"min.insync.replicas": &two}}
	err = admin.CreateTopic(topic, detail, false)
	if errors.Is(err, sarama.ErrTopicAlreadyExists) {
		err = nil
	}
	return err
}

func (s saramaClient) write(_ context.Context, topic, codec string, values []string) error {
	config := s.config()
	config.Producer.Compression = saramaCodecs[codec]
	producer, err := sarama.NewSyncProducer(s.brokers, config)
	if err != nil {
		return err
	}
	defer producer.Close()
	all := make([]*sarama.ProducerMessage, len(values))
	for i, v := range values {
		all[i] = &sarama.ProducerMessage{Topic: topic, Partition: int32(i % partitions), Value: sarama.StringEncoder(v)}
	}
	return producer.SendMessages(all)
}

func (s saramaClient) read(ctx context.Context, topic string, partition int) ([]string, error) {
	client, admin, err := s.dial()
	if err != nil {
		return nil, err
	}
	defer admin.Close()
	var end int64
	err = again(ctx, func() (err error) { // it asks no more than twice
		end, err = client.GetOffset(topic, int32(partition), sarama.OffsetNewest)
		return
	})
	if err != nil {
		return nil, err
	}
	consumer, err := sarama.NewConsumerFromClient(client)
	if err != nil {
		return nil, err
	}
	from, err := consumer.ConsumePartition(topic, int32(partition), sarama.OffsetOldest)
	if err != nil {
		return nil, err
	}
	defer from.Close()
	got := []string{}
	for next := int64(0); next < end; {
		select {
		case message := <-from.Messages():
			got, next = append(got, string(message.Value)), message.Offset+1
		case <-ctx.Done():
			return got, ctx.Err()
		}
	}
	return got, nil
}

func (s saramaClient) admin(ctx context.Context, c *checks, topic, group string) {
	client, admin, err := s.dial()
	if err != nil {
		c.that("connects", err)
		return
	}
	defer admin.Close()
	c.that("creates a topic", s.create(ctx, topic))
	err = admin.CreateTopic(topic, &sarama.TopicDetail{NumPartitions: 1, ReplicationFactor: 1}, false)
	equal(c, "is told that the topic exists", nil, errors.Is(err, sarama.ErrTopicAlreadyExists), true)
	c.that("writes", s.write(ctx, topic, "none", make([]string, 30)))

	value := "123456789"
	entry := sarama.IncrementalAlterConfigsEntry{Operation: sarama.IncrementalAlterConfigsOperationSet, Value: &value}
	changes := map[string]sarama.IncrementalAlterConfigsEntry{"retention.ms": entry}
	c.that("sets a config", admin.IncrementalAlterConfig(sarama.TopicResource, topic, changes, false))
	eventually(c, "reads the config", value, func() (string, error) {
		resource := sarama.ConfigResource{Type: sarama.TopicResource, Name: topic, ConfigNames: []string{"retention.ms"}}
		entries, err := admin.DescribeConfig(resource)
		if err != nil || len(entries) != 1 {
			return fmt.Sprint(len(entries), " entries"), err
		}
		return entries[0].Value, nil
	})
	c.that("adds a partition", admin.CreatePartitions(topic, partitions+1, nil, false))
	err = admin.CreatePartitions(topic, 1, nil, false)
	equal(c, "is refused fewer partitions", nil, errors.Is(err, sarama.ErrInvalidPartitions), true)
	c.that("deletes records", admin.DeleteRecords(topic, map[int32]int64{0: 4}))
	start, err := client.GetOffset(topic, 0, sarama.OffsetOldest)
	equal(c, "finds the start moved", err, start, 4)
	brokers := []int32{}
	for _, b := range client.Brokers() {
		brokers = append(brokers, b.ID())
	}
	directories, err := admin.DescribeLogDirs(brokers)
	replicas := 0
	for _, broker := range directories {
		for _, directory := range broker {
			for _, t := range directory.Topics {
				if t.Topic == topic {
					replicas += len(t.Partitions)
				}
			}
		}
	}
	equal(c, "describes log directories", err, replicas, 3*(partitions+1))
	elected, err := admin.ElectLeaders(sarama.PreferredElection, map[string][]int32{topic: {0}})
	if err == nil {
		equal(c, "is told that no election is needed", nil, errors.Is(elected[topic][0].ErrorCode, sarama.ErrElectionNotNeeded), true)
	} else {
		c.that("elects a leader", err)
	}
	s.group(c, admin, topic, group)
	c.that("deletes the topic", admin.DeleteTopic(topic))
}

func (saramaClient) group(c *checks, admin sarama.ClusterAdmin, topic, group string) {
	offsets := map[int32]sarama.OffsetAndMetadata{}
	for p := range int32(partitions) {
		offsets[p] = sarama.OffsetAndMetadata{Offset: int64(p) + 5, LeaderEpoch: -1}
	}
	committed, err := admin.AlterConsumerGroupOffsets(group, map[string]map[int32]sarama.OffsetAndMetadata{topic: offsets}, nil)
	equal(c, "commits for a group", err, fmt.Sprint(committed.Errors[topic]), fmt.Sprint(map[int32]sarama.KError{0: 0, 1: 0, 2: 0}))
	all, err := admin.ListConsumerGroupOffsets(group, nil)
	equal(c, "fetches all that was committed", err, len(all.Blocks[topic]), partitions)
	described, err := admin.DescribeConsumerGroups([]string{group})
	equal(c, "describes the group", err, described[0].State, "Empty")
	groups, err := admin.ListConsumerGroups()
	_, listed := groups[group]
	equal(c, "lists the group", err, listed, true)
	c.that("deletes an offset", admin.DeleteConsumerGroupOffset(group, topic, 1))
	all, err = admin.ListConsumerGroupOffsets(group, nil)
	equal(c, "fetches what is left", err, len(all.Blocks[topic]), partitions-1)
	c.that("deletes the group", admin.DeleteConsumerGroup(group))
	equal(c, "is told that the group is gone", nil, errors.Is(admin.DeleteConsumerGroup(group), sarama.ErrGroupIDNotFound), true)
}
