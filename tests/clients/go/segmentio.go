// segmentio/kafka-go, which asks old versions: Fetch 10, Metadata 8, Produce 7 and below.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/segmentio/kafka-go"
)

type segmentio struct {
	client *kafka.Client
}

var segmentioCodecs = map[string]kafka.Compression{"none": 0, "gzip": kafka.Gzip, "snappy": kafka.Snappy, "lz4": kafka.Lz4, "zstd": kafka.Zstd}

func newSegmentio(brokers []string) client {
	transport := &kafka.Transport{MetadataTTL: 200 * time.Millisecond}
	return segmentio{&kafka.Client{Addr: kafka.TCP(brokers...), Timeout: 10 * time.Second, Transport: transport}}
}

func (segmentio) codecs() []string { return []string{"none", "gzip", "snappy", "lz4", "zstd"} }

func (s segmentio) create(ctx context.Context, topic string) error {
	config := kafka.TopicConfig{Topic: topic, NumPartitions: partitions, ReplicationFactor: 3,
		ConfigEntries: []kafka.ConfigEntry{{ConfigName: "min.insync.replicas", ConfigValue: "2"}}}
	made, err := s.client.CreateTopics(ctx, &kafka.CreateTopicsRequest{Topics: []kafka.TopicConfig{config}})
	if err == nil && !errors.Is(made.Errors[topic], kafka.TopicAlreadyExists) {
		err = made.Errors[topic]
	}
	return err
}

type inTurn struct{}

func (inTurn) Balance(message kafka.Message, _ ...int) int {
	return message.WriterData.(int) % partitions
}

func (s segmentio) write(ctx context.Context, topic, codec string, values []string) error {
	writer := &kafka.Writer{Addr: s.client.Addr, Topic: topic, Balancer: inTurn{}, RequiredAcks: kafka.RequireAll, BatchSize: 20,
		BatchTimeout: 5 * time.Millisecond, Compression: segmentioCodecs[codec], MaxAttempts: 100, Transport: s.client.Transport}
	defer writer.Close()
	all := make([]kafka.Message, len(values))
	for i, v := range values {
		all[i] = kafka.Message{Value: []byte(v), WriterData: i}
	}
	return writer.WriteMessages(ctx, all...)
}

func (s segmentio) ends(ctx context.Context, topic string, partition int) (kafka.PartitionOffsets, error) {
	asked := map[string][]kafka.OffsetRequest{topic: {kafka.FirstOffsetOf(partition), kafka.LastOffsetOf(partition)}}
	listed, err := s.client.ListOffsets(ctx, &kafka.ListOffsetsRequest{Topics: asked})
	if err != nil {
		return kafka.PartitionOffsets{}, err
	}
	return listed.Topics[topic][0], listed.Topics[topic][0].Error
}

func (s segmentio) read(ctx context.Context, topic string, partition int) (got []string, err error) {
	var end kafka.PartitionOffsets
	err = again(ctx, func() (err error) {
		end, err = s.ends(ctx, topic, partition)
		return
	})
	for next := end.FirstOffset; err == nil && next < end.LastOffset; {
		err = again(ctx, func() error {
			fetched, err := s.client.Fetch(ctx, &kafka.FetchRequest{Topic: topic, Partition: partition, Offset: next, MinBytes: 1, MaxBytes: 1 << 20,
				MaxWait: 100 * time.Millisecond})
			if err == nil {
				err = fetched.Error
			}
			for err == nil {
				var record *kafka.Record
				if record, err = fetched.Records.ReadRecord(); err == nil && record.Offset >= next && record.Offset < end.LastOffset {
					value, _ := io.ReadAll(record.Value)
					got, next = append(got, string(value)), record.Offset+1
				}
			}
			if errors.Is(err, io.EOF) {
				err = nil
			}
			return err
		})
	}
	return
}

func (s segmentio) admin(ctx context.Context, c *checks, topic, group string) {
	c.that("creates a topic", s.create(ctx, topic))
	c.that("writes", s.write(ctx, topic, "none", make([]string, 30)))
	set := kafka.IncrementalAlterConfigsRequestConfig{Name: "retention.ms", Value: "123456789", ConfigOperation: kafka.ConfigOperationSet}
	resource := kafka.IncrementalAlterConfigsRequestResource{ResourceType: kafka.ResourceTypeTopic, ResourceName: topic,
		Configs: []kafka.IncrementalAlterConfigsRequestConfig{set}}
	altered, err := s.client.IncrementalAlterConfigs(ctx,
		&kafka.IncrementalAlterConfigsRequest{Resources: []kafka.IncrementalAlterConfigsRequestResource{resource}})
	if err == nil {
		err = altered.Resources[0].Error
	}
	c.that("sets a config", err)
	eventually(c, "reads the config", set.Value, func() (string, error) {
		asked := kafka.DescribeConfigRequestResource{ResourceType: kafka.ResourceTypeTopic, ResourceName: topic, ConfigNames: []string{set.Name}}
		described, err := s.client.DescribeConfigs(ctx, &kafka.DescribeConfigsRequest{Resources: []kafka.DescribeConfigRequestResource{asked}})
		if err != nil || len(described.Resources[0].ConfigEntries) != 1 {
			return "", err
		}
		return described.Resources[0].ConfigEntries[0].ConfigValue, nil
	})
	more := kafka.TopicPartitionsConfig{Name: topic, Count: partitions + 1}
	added, err := s.client.CreatePartitions(ctx, &kafka.CreatePartitionsRequest{Topics: []kafka.TopicPartitionsConfig{more}})
	if err == nil {
		err = added.Errors[topic]
	}
	c.that("adds a partition", err)
	end, err := s.ends(ctx, topic, 1)
	equal(c, "lists the ends", err, end.LastOffset, 10)
	elected, err := s.client.ElectLeaders(ctx, &kafka.ElectLeadersRequest{Topic: topic, Partitions: []int{0}, Timeout: time.Second})
	if err == nil {
		err = elected.PartitionResults[0].Error
	}
	equal(c, "is told that no election is needed", nil, errors.Is(err, kafka.ElectionNotNeeded), true)
	s.group(ctx, c, topic, group)
	deleted, err := s.client.DeleteTopics(ctx, &kafka.DeleteTopicsRequest{Topics: []string{topic}})
	if err == nil {
		err = deleted.Errors[topic]
	}
	c.that("deletes the topic", err)
}

func (s segmentio) committed(ctx context.Context, topic, group string) (string, error) {
	fetched, err := s.client.OffsetFetch(ctx, &kafka.OffsetFetchRequest{GroupID: group})
	if err != nil {
		return "", err
	}
	found := map[int]int64{}
	for _, p := range fetched.Topics[topic] {
		found[p.Partition] = p.CommittedOffset
	}
	return fmt.Sprint(found), fetched.Error
}

func (s segmentio) group(ctx context.Context, c *checks, topic, group string) {
	offsets := []kafka.OffsetCommit{{Partition: 0, Offset: 5}, {Partition: 1, Offset: 6}, {Partition: 2, Offset: 7}}
	_, err := s.client.OffsetCommit(ctx,
		&kafka.OffsetCommitRequest{GroupID: group, GenerationID: -1, Topics: map[string][]kafka.OffsetCommit{topic: offsets}})
	c.that("commits for a group", err)
	all, err := s.committed(ctx, topic, group)
	equal(c, "fetches all that was committed", err, all, "map[0:5 1:6 2:7]")
	described, err := s.client.DescribeGroups(ctx, &kafka.DescribeGroupsRequest{GroupIDs: []string{group}})
	if err == nil {
		err = described.Groups[0].Error
	}
	equal(c, "describes the group", err, described.Groups[0].GroupState, "Empty")
	forgotten, err := s.client.OffsetDelete(ctx, &kafka.OffsetDeleteRequest{GroupID: group, Topics: map[string][]int{topic: {1}}})
	if err == nil {
		err = forgotten.Error
	}
	c.that("deletes an offset", err)
	all, err = s.committed(ctx, topic, group)
	equal(c, "fetches what is left", err, all, "map[0:5 2:7]")
	gone, err := s.client.DeleteGroups(ctx, &kafka.DeleteGroupsRequest{GroupIDs: []string{group}})
	if err == nil {
		err = gone.Errors[group]
	}
	c.that("deletes the group", err)
}
