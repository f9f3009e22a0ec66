// franz-go, which asks the newest version of each API.
package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

type franz struct{ brokers []string }

var franzCodecs = map[string]kgo.CompressionCodec{"none": kgo.NoCompression(), "gzip": kgo.GzipCompression(), "snappy": kgo.SnappyCompression(),
	"lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression()}

func newFranz(brokers []string) client { return franz{brokers} }

func (franz) codecs() []string { return []string{"none", "gzip", "snappy", "lz4", "zstd"} }

func (f franz) dial(options ...kgo.Opt) *kgo.Client {
	client, err := kgo.NewClient(append(options, kgo.SeedBrokers(f.brokers...), kgo.MetadataMinAge(100*time.Millisecond), kgo.AlwaysRetryEOF())...)
	if err != nil {
		panic(err) // the options are ours
	}
	return client
}

func (f franz) create(ctx context.Context, topic string) error {
	client := kadm.NewClient(f.dial())
	defer client.Close()
	_, err := client.CreateTopic(ctx, partitions, 3, map[string]*string{"min.insync.replicas": kadm.StringPtr("2")}, topic)
	if errors.Is(err, kerr.TopicAlreadyExists) {
		err = nil
	}
	return err
}

func (f franz) write(ctx context.Context, topic, codec string, values []string) error {
	client := f.dial(kgo.DefaultProduceTopic(topic), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerBatchCompression(franzCodecs[codec]),
		kgo.ProducerBatchMaxBytes(4096), kgo.UnknownTopicRetries(-1))
	defer client.Close()
	all := make([]*kgo.Record, len(values))
	for i, v := range values {
		all[i] = &kgo.Record{Partition: int32(i % partitions), Value: []byte(v)}
	}
	return client.ProduceSync(ctx, all...).FirstErr()
}

func (f franz) read(ctx context.Context, topic string, partition int) ([]string, error) {
	asked := f.dial()
	defer asked.Close()
	var end kadm.ListedOffset
	err := again(ctx, func() error { // it does not ask anew who leads when the former leader's port is shut
		ends, err := kadm.NewClient(asked).ListEndOffsets(ctx, topic)
		if err == nil {
			end = ends[topic][int32(partition)]
			err = end.Err
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	start := map[string]map[int32]kgo.Offset{topic: {int32(partition): kgo.NewOffset().AtStart()}}
	client := f.dial(kgo.ConsumePartitions(start))
	defer client.Close()
	got := []string{}
	for next := int64(0); next < end.Offset; {
		fetches := client.PollFetches(ctx)
		if ctx.Err() != nil {
			return got, ctx.Err()
		}
		fetches.EachRecord(func(r *kgo.Record) {
			if r.Offset < end.Offset {
				got = append(got, string(r.Value))
			}
			next = r.Offset + 1
		})
	}
	return got, nil
}

func (f franz) admin(ctx context.Context, c *checks, topic, group string) {
	client := kadm.NewClient(f.dial())
	defer client.Close()
	c.that("creates a topic", f.create(ctx, topic))
	_, err := client.CreateTopic(ctx, 1, 1, nil, topic)
	equal(c, "is told that the topic exists", nil, errors.Is(err, kerr.TopicAlreadyExists), true)
	_, err = client.CreateTopic(ctx, 1, 9, nil, topic+"-9")
	equal(c, "is refused nine replicas", nil, errors.Is(err, kerr.InvalidReplicationFactor), true)
	c.that("writes", f.write(ctx, topic, "none", make([]string, 30)))

	alter := []kadm.AlterConfig{{Op: kadm.SetConfig, Name: "retention.ms", Value: kadm.StringPtr("123456789")}}
	altered, err := client.AlterTopicConfigs(ctx, alter, topic)
	if err == nil {
		err = altered[0].Err
	}
	c.that("sets a config", err)
	eventually(c, "reads the config", "123456789", func() (value string, err error) {
		described, err := client.DescribeTopicConfigs(ctx, topic)
		if err == nil {
			for _, config := range described[0].Configs {
				if config.Key == "retention.ms" {
					value = config.MaybeValue()
				}
			}
		}
		return
	})
	more, err := client.UpdatePartitions(ctx, partitions+1, topic)
	equal(c, "adds a partition", err, more[topic].Err, nil)
	less, err := client.UpdatePartitions(ctx, 1, topic)
	equal(c, "is refused fewer partitions", err, errors.Is(less[topic].Err, kerr.InvalidPartitions), true)
	f.offsets(ctx, c, client, topic)
	f.group(ctx, c, client, topic, group)
	deleted, err := client.DeleteTopic(ctx, topic)
	equal(c, "deletes the topic", err, deleted.Err, nil)
}

func (franz) offsets(ctx context.Context, c *checks, client *kadm.Client, topic string) {
	eventually(c, "lists the ends", "[10 10 10 0]", func() (string, error) {
		ends, err := client.ListEndOffsets(ctx, topic)
		t := ends[topic]
		return fmt.Sprint([]int64{t[0].Offset, t[1].Offset, t[2].Offset, t[3].Offset}), err
	})
	deletion := kadm.Offsets{}
	deletion.AddOffset(topic, 0, 4, -1)
	deletion.AddOffset(topic, 1, 11, -1)
	deleted, err := client.DeleteRecords(ctx, deletion)
	equal(c, "deletes records", err, deleted[topic][0].LowWatermark, 4)
	equal(c, "is refused a deletion beyond the end", err, errors.Is(deleted[topic][1].Err, kerr.OffsetOutOfRange), true)
	set := kadm.TopicsSet{}
	set.Add(topic, 0, 1, 2)
	described, err := client.DescribeAllLogDirs(ctx, set)
	replicas := 0
	described.Each(func(d kadm.DescribedLogDir) { d.Topics.Each(func(kadm.DescribedLogDirPartition) { replicas++ }) })
	equal(c, "describes log directories", err, replicas, 3*partitions)
	elected, err := client.ElectLeaders(ctx, kadm.ElectPreferredReplica, set)
	equal(c, "is told that no election is needed", err, errors.Is(elected[topic][0].Err, kerr.ElectionNotNeeded), true)
}

func (franz) group(ctx context.Context, c *checks, client *kadm.Client, topic, group string) {
	commit := kadm.Offsets{}
	for p := range int32(partitions) {
		commit.Add(kadm.Offset{Topic: topic, Partition: p, At: int64(p) + 5, LeaderEpoch: -1, Metadata: "m"})
	}
	c.that("commits for a group", client.CommitAllOffsets(ctx, group, commit))
	all, err := client.FetchOffsets(ctx, group)
	equal(c, "fetches all that was committed", err, len(all[topic]), partitions)
	lags, err := client.Lag(ctx, group)
	equal(c, "computes the lag", err, lags[group].Lag.Total(), 5+4+3)
	groups, err := client.ListGroups(ctx, "Empty")
	equal(c, "lists the group", err, groups[group].State, "Empty")
	set := kadm.TopicsSet{}
	set.Add(topic, 1)
	forgotten, err := client.DeleteOffsets(ctx, group, set)
	equal(c, "deletes an offset", err, forgotten[topic][1], nil)
	all, err = client.FetchOffsets(ctx, group)
	equal(c, "fetches what is left", err, len(all[topic]), partitions-1)
	gone, err := client.DeleteGroup(ctx, group)
	equal(c, "deletes the group", err, gone.Err, nil)
	gone, err = client.DeleteGroup(ctx, group)
	equal(c, "is told that the group is gone", nil, errors.Is(err, kerr.GroupIDNotFound), true)
}
