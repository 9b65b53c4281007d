// Package broker is the message broker between booths and cloud: an embedded one (mochi) by default, or an
// external one by URL (Mosquitto, EMQX, VerneMQ), reached by the same client either way.
//
// What it promises:
//   - every connection shows a certificate of our authority; a booth's client id is its certificate's CN;
//   - a booth may publish only its own up-channels and subscribe only its own down-channels;
//   - delivery, order and uniqueness are not promised: cursors, sequence numbers and primary keys do that. A
//     token that completes says "given to the broker" at best;
//   - a subscription is a bounded queue. A slow reader loses messages, is told how many, and never blocks others.
//
// An external broker knows booths by CN alone, so it cannot tie a booth to its lot: whoever takes a message off the
// wire compares the topic's lot with the one the booth is enrolled in.
package broker

import (
	"slices"
	"strings"

	"lotkeeper/cloud/internal/platform/pki"
	"lotkeeper/shared/wire"
)

// upChannels and downChannels are what a booth publishes and subscribes; live channels come on top.
func upChannels() []wire.Channel {
	return []wire.Channel{wire.FactsUp, wire.CursorUp, wire.ResultFrom, wire.PresenceOf}
}

func downChannels() []wire.Channel {
	return []wire.Channel{wire.FactsDown, wire.CursorDown, wire.ConfigDown, wire.RightsDown, wire.CommandTo}
}

// MayPublish tells whether the identity may publish to the topic.
func MayPublish(who pki.Identity, topic string) bool {
	if who.Cloud {
		return strings.HasPrefix(topic, "lk/1/")
	}
	t, err := wire.ParseTopic(topic)
	if err != nil || t.Lot != string(who.Lot) || t.Booth != string(who.Booth) {
		return false
	}
	if _, live := t.Channel.Lane(); live {
		return true
	}
	return slices.Contains(upChannels(), t.Channel)
}

// MaySubscribe tells whether the identity may subscribe to the filter, or be given a message on the topic. A booth
// names its channels exactly: no wildcards, no shares.
func MaySubscribe(who pki.Identity, filter string) bool {
	if who.Cloud {
		if rest, ok := strings.CutPrefix(filter, "$share/"); ok {
			_, filter, _ = strings.Cut(rest, "/")
		}
		return strings.HasPrefix(filter, "lk/1/")
	}
	t, err := wire.ParseTopic(filter)
	return err == nil && t.Lot == string(who.Lot) && t.Booth == string(who.Booth) && slices.Contains(downChannels(), t.Channel)
}
