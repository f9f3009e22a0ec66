// member: one member of a consumer group on a Go client; prints and obeys as member.c does, except that it cannot stall: neither client has a
// max.poll.interval.ms of its own.
//
//	member franz|sarama BOOTSTRAP GROUP TOPIC ASSIGNOR SESSION-MS HEARTBEAT-MS MAX-POLL-MS
package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

type settings struct {
	brokers                     []string
	group, topic, assignor      string
	session, heartbeat, maxPoll time.Duration
}

// One write a line: goroutines do not mix within a line.
func say(words ...any) {
	line := fmt.Sprintf("%.3f", float64(time.Now().UnixMicro())/1000)
	for _, word := range words {
		line += fmt.Sprint(" ", word)
	}
	os.Stdout.WriteString(line + "\n")
}

// what: assigned, revoked or lost.
func tell(what string, generation int32, partitions []int32) {
	slices.Sort(partitions)
	list := "-"
	for i, p := range partitions {
		if i == 0 {
			list = ""
		} else {
			list += ","
		}
		list += strconv.Itoa(int(p))
	}
	say(what, generation, list)
}

func milliseconds(text string) time.Duration {
	n, err := strconv.Atoi(text)
	if err != nil {
		panic(err)
	}
	return time.Duration(n) * time.Millisecond
}

// Ends the context when the driver types "leave", or is gone.
func listen(leave context.CancelFunc) {
	defer leave()
	for input := bufio.NewScanner(os.Stdin); input.Scan() && input.Text() != "leave"; {
	}
}

func main() {
	clients := map[string]func(context.Context, settings) error{"franz": franz, "sarama": saramaMember}
	if len(os.Args) != 9 || clients[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, "usage: member franz|sarama BOOTSTRAP GROUP TOPIC ASSIGNOR SESSION-MS HEARTBEAT-MS MAX-POLL-MS")
		os.Exit(2)
	}
	s := settings{strings.Split(os.Args[2], ","), os.Args[3], os.Args[4], os.Args[5], milliseconds(os.Args[6]), milliseconds(os.Args[7]),
		milliseconds(os.Args[8])}
	ctx, leave := context.WithCancel(context.Background())
	go listen(leave)
	if err := clients[os.Args[1]](ctx, s); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	say("left")
}
