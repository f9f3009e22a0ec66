// clients: what three Go clients, which have no code in common, do to a cluster of three brokers. Each writes with each codec and acks=all, each
// reads what each has written, and each administers a topic and a group of its own. A line a check; exit 1 when one failed.
//
//	clients BOOTSTRAP exchange|admin [ROUNDS]
//
// exchange may run while brokers and controllers die: whoever is idempotent must have written each record once, and all must read the same.
package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	partitions = 3
	records    = 300 // a topic's, in an exchange
	patience   = 60 * time.Second
)

type client interface {
	codecs() []string
	create(ctx context.Context, topic string) error // no error when it is there already: the answer to the first try may have been lost
	// write sends the values in order to partition i%partitions, and returns when all of them are acknowledged.
	write(ctx context.Context, topic, codec string, values []string) error
	// read gives the values of a partition from its start up to what its end is now.
	read(ctx context.Context, topic string, partition int) ([]string, error)
	admin(ctx context.Context, c *checks, topic, group string)
}

var clients = map[string]func(brokers []string) client{"franz": newFranz, "sarama": newSarama, "segmentio": newSegmentio}

// segmentio's producer repeats what it does not know to be written.
var repeats = map[string]bool{"segmentio": true}

type checks struct {
	name           string
	passed, failed int
}

func (c *checks) that(what string, err error) {
	if err == nil {
		c.passed++
		fmt.Println("ok  ", c.name, what)
		return
	}
	c.failed++
	fmt.Println("FAIL", c.name, what+":", err)
}

// equal is what most checks come to: a call, what it gave, what it should have given.
func equal[T any](c *checks, what string, err error, got, want T) {
	if g, w := fmt.Sprint(got), fmt.Sprint(want); err == nil && g != w {
		err = fmt.Errorf("%s instead of %s", g, w)
	}
	c.that(what, err)
}

// eventually asks until the answer is the one wanted: another broker may be asked than the one that was told, and hears of it a little later.
func eventually[T any](c *checks, what string, want T, ask func() (T, error)) {
	var got T
	var err error
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if got, err = ask(); err == nil && fmt.Sprint(got) == fmt.Sprint(want) {
			break
		}
	}
	equal(c, what, err, got, want)
}

// again tries what a client itself does not try again while brokers die: with one of three away, a topic of three replicas is refused.
func again(ctx context.Context, try func() error) error {
	for {
		err := try()
		if err == nil || ctx.Err() != nil {
			return err
		}
		time.Sleep(100 * time.Millisecond)
	}
}

func names() []string {
	all := make([]string, 0, len(clients))
	for name := range clients {
		all = append(all, name)
	}
	slices.Sort(all)
	return all
}

func unique(values []string) []string {
	seen, kept := map[string]bool{}, []string{}
	for _, v := range values {
		if !seen[v] {
			kept = append(kept, v)
		}
		seen[v] = true
	}
	return kept
}

// compare says how what was read differs from what was written to the partition.
func compare(written, got []string, partition int, repeated bool) error {
	want := []string{}
	for i := partition; i < len(written); i += partitions {
		want = append(want, written[i])
	}
	if repeated {
		got = unique(got)
	}
	if !slices.Equal(got, want) {
		return fmt.Errorf("partition %d: %d records read, %d written", partition, len(got), len(want))
	}
	return nil
}

func readAll(ctx context.Context, reader client, topic string, written []string, repeated bool) error {
	for p := range partitions {
		got, err := reader.read(ctx, topic, p)
		if err == nil {
			err = compare(written, got, p, repeated)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func exchange(brokers []string, run string) (passed, failed int) {
	for _, name := range names() {
		writer := clients[name](brokers)
		for _, codec := range writer.codecs() {
			ctx, cancel := context.WithTimeout(context.Background(), patience)
			c := &checks{name: name}
			topic := fmt.Sprintf("exchange-%s-%s-%s", name, codec, run)
			values := make([]string, records)
			for i := range values {
				values[i] = fmt.Sprintf("%d %s %s", i, topic, strings.Repeat("x", i%97))
			}
			err := again(ctx, func() error { return writer.create(ctx, topic) })
			if err == nil {
				err = writer.write(ctx, topic, codec, values)
			}
			c.that("writes "+codec, err)
			for _, other := range names() {
				if err == nil {
					c.that("writes "+codec+", "+other+" reads", readAll(ctx, clients[other](brokers), topic, values, repeats[name]))
				}
			}
			cancel()
			passed, failed = passed+c.passed, failed+c.failed
		}
	}
	return
}

func administer(brokers []string, run string) (passed, failed int) {
	for _, name := range names() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		c := &checks{name: name}
		clients[name](brokers).admin(ctx, c, "admin-"+name+"-"+run, "group-"+name+"-"+run)
		cancel()
		passed, failed = passed+c.passed, failed+c.failed
	}
	return
}

func main() {
	runs := map[string]func([]string, string) (int, int){"exchange": exchange, "admin": administer}
	rounds := 1
	if len(os.Args) == 4 {
		rounds, _ = strconv.Atoi(os.Args[3])
	}
	if len(os.Args) < 3 || runs[os.Args[2]] == nil || rounds < 1 {
		fmt.Fprintln(os.Stderr, "usage: clients BOOTSTRAP exchange|admin [ROUNDS]")
		os.Exit(2)
	}
	passed, failed := 0, 0
	for range rounds {
		p, f := runs[os.Args[2]](strings.Split(os.Args[1], ","), strconv.FormatInt(time.Now().UnixMilli(), 36))
		passed, failed = passed+p, failed+f
	}
	fmt.Printf("%d passed, %d failed\n", passed, failed)
	if failed > 0 || passed == 0 {
		os.Exit(1)
	}
}
