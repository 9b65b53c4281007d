package wire

import (
	"fmt"
	"strings"
)

// Channel is the part of a topic after "lk/1/{lot}/{booth}/".
type Channel string

// The channels. Up means from the booth, down to the booth.
const (
	FactsUp    Channel = "facts/up"    // [Facts]: the booth's facts, and those it relays; QoS 1
	FactsDown  Channel = "facts/down"  // [Facts]: all other authors' facts; QoS 1
	CursorUp   Channel = "cursor/up"   // [Cursor]: how far the booth's copies reach; on connect and every 5 s
	CursorDown Channel = "cursor/down" // [Cursor]: how far the cloud's copies reach, after its commit
	ConfigDown Channel = "config"      // [Signed] of a [Config]; retained
	RightsDown Channel = "rights"      // [Rights]: a page of the lot's rights after those that the booth stated; QoS 1
	CommandTo  Channel = "command"     // [Command] to the booth; QoS 1, never retained
	ResultFrom Channel = "result"      // [Result] of a command
	PresenceOf Channel = "presence"    // [Presence]; retained, last will
	liveFrom           = "live/"       // + lane: [Live]; QoS 0
)

// LiveFrom returns the channel of a lane's live state.
func LiveFrom(lane string) Channel { return Channel(liveFrom + lane) }

// Lane returns the lane of a live channel.
func (c Channel) Lane() (string, bool) { return strings.CutPrefix(string(c), liveFrom) }

const prefix = "lk/1/"

// Topic is where a message travels.
type Topic struct {
	Lot, Booth string
	Channel    Channel
}

// String returns "lk/1/{lot}/{booth}/{channel}".
func (t Topic) String() string { return prefix + t.Lot + "/" + t.Booth + "/" + string(t.Channel) }

// Every returns the filter that matches a channel of every booth.
func Every(c Channel) string { return prefix + "+/+/" + string(c) }

// EveryLive is the filter that matches the live state of every lane.
const EveryLive = prefix + "+/+/" + liveFrom + "+"

// ValidName reports whether s may be a lot's, booth's or lane's id: 1 to 40 lower-case letters, digits and inner dashes.
func ValidName(s string) bool {
	for i, c := range []byte(s) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && (c != '-' || i == 0 || i == len(s)-1) {
			return false
		}
	}
	return len(s) > 0 && len(s) <= 40
}

// ParseTopic reads a topic.
func ParseTopic(s string) (Topic, error) {
	rest, ok := strings.CutPrefix(s, prefix)
	parts := strings.SplitN(rest, "/", 3)
	if !ok || len(parts) != 3 || !ValidName(parts[0]) || !ValidName(parts[1]) {
		return Topic{}, fmt.Errorf("topic %.80q is not lk/1/{lot}/{booth}/…", s)
	}
	t := Topic{parts[0], parts[1], Channel(parts[2])}
	switch t.Channel {
	case FactsUp, FactsDown, CursorUp, CursorDown, ConfigDown, RightsDown, CommandTo, ResultFrom, PresenceOf:
		return t, nil
	}
	if lane, ok := t.Channel.Lane(); ok && ValidName(lane) {
		return t, nil
	}
	return Topic{}, fmt.Errorf("topic %.80q has no known channel", s)
}
