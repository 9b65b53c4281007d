package agent

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"lotkeeper/edge/internal/device"
)

// collector tells Prometheus how the booth stands, read when it asks.
type collector struct {
	a    *Agent
	desc map[string]*prometheus.Desc
}

func newCollector(a *Agent) *collector {
	c := &collector{a: a, desc: map[string]*prometheus.Desc{}}
	for _, d := range []struct {
		name, help string
		labels     []string
	}{
		{"info", "The booth's release and configuration.", []string{"lot", "booth", "software", "config"}},
		{"facts", "Facts held, of all authors.", nil},
		{"facts_poor", "Facts held that have no effect because they cannot be read.", nil},
		{"facts_alone", "Facts that, as far as is known, lie on this disk only.", nil},
		{"facts_fewer_than_two", "Facts of a log that, as far as is known, lie on fewer than two disks.", []string{"peer", "author"}},
		{"facts_lost", "Facts of a log that somebody told of and nobody is known to hold.", []string{"peer", "author"}},
		{"facts_not_agreed", "Facts held that the booths have not agreed on.", nil},
		{"group_led", "1 while the booths' agreement has a leader.", nil},
		{"facts_waiting", "Own facts that the cloud is not known to have.", nil},
		{"photos_waiting", "Pictures that the cloud does not have.", nil},
		{"cloud_up", "1 while the booth is connected to the cloud's broker.", nil},
		{"journal_up", "1 while the journal can be written.", nil},
		{"inside", "Vehicles inside the lot.", nil},
		{"peer_up", "1 while another booth of the lot answers.", []string{"peer"}},
		{"peer_lacks", "Facts that another booth of the lot lacks.", []string{"peer"}},
		{"lane_events_total", "What a lane did since the agent started.", []string{"lane", "event"}},
		{"lane_waiting", "1 while somebody is held at the lane.", []string{"lane"}},
		{"device_up", "1 while the device answers.", []string{"lane", "device", "role"}},
		{"device_events_total", "Events of a device since the agent started, without signs of life.", []string{"lane", "device"}},
		{"device_doubled_total", "Events of a device that were dropped because they had come before.", []string{"lane", "device"}},
		{"device_breaks_total", "How often the link to a device broke or could not be made.", []string{"lane", "device"}},
		{"device_last_business_seconds", "When the device last said something of a vehicle, in Unix time; 0 when never.", []string{"lane", "device"}},
		{"alarm", "1 while this booth has the alarm.", []string{"code", "subject"}},
		{"clock_offset_seconds", "Another clock less the booth's.", []string{"basis", "name"}},
		{"clock_suspect", "1 while the booth's clock is not to be trusted.", nil},
		{"camera_missed_total", "Vehicles that passed without a read of the camera, since the lane started.", []string{"lane", "device"}},
		{"camera_blind_seconds_total", "How long the camera was blind although vehicles came, since the lane started.", []string{"lane", "device"}},
	} {
		c.desc[d.name] = prometheus.NewDesc("lotkeeper_edge_"+d.name, d.help, d.labels, nil)
	}
	return c
}

// Describe implements [prometheus.Collector].
func (c *collector) Describe(out chan<- *prometheus.Desc) {
	for _, d := range c.desc {
		out <- d
	}
}

// Collect implements [prometheus.Collector].
func (c *collector) Collect(out chan<- prometheus.Metric) {
	s := c.a.State()
	gauge := func(name string, v float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(c.desc[name], prometheus.GaugeValue, v, labels...)
	}
	count := func(name string, v uint64, labels ...string) {
		out <- prometheus.MustNewConstMetric(c.desc[name], prometheus.CounterValue, float64(v), labels...)
	}
	gauge("info", 1, s.Lot, s.Booth, s.Software, strconv.FormatUint(s.Config, 10))
	gauge("facts", float64(s.Sync.Facts))
	gauge("facts_poor", float64(s.Sync.Poor))
	gauge("facts_alone", float64(s.Sync.Alone))
	for _, l := range c.a.lot.Status().Logs {
		gauge("facts_fewer_than_two", float64(l.Fewer), l.Booth, string(l.Author))
		gauge("facts_lost", float64(l.Lost), l.Booth, string(l.Author))
	}
	gauge("facts_not_agreed", float64(s.Sync.Behind))
	gauge("group_led", truth(s.Sync.Leader != ""))
	gauge("facts_waiting", float64(s.Sync.Waiting))
	gauge("photos_waiting", float64(s.Sync.Photos))
	gauge("cloud_up", truth(s.Sync.Cloud))
	gauge("journal_up", truth(s.Sync.Journal == ""))
	gauge("inside", float64(s.Inside))
	for _, p := range s.Sync.Peers {
		gauge("peer_up", truth(p.Error == ""), p.Booth)
		gauge("peer_lacks", float64(p.Lacks), p.Booth)
	}
	for _, x := range s.Alarms {
		if x.Booth == s.Booth {
			gauge("alarm", 1, x.Code, x.Subject)
		}
	}
	gauge("clock_suspect", truth(s.Clock.Suspect != ""))
	for _, x := range s.Clock.Sources {
		gauge("clock_offset_seconds", float64(x.OffsetMS)/1000, x.Basis, x.Name)
	}
	at := time.Duration(c.a.mono())
	for _, u := range c.a.yard.list() {
		for _, eye := range u.watch.Sights(at) {
			count("camera_missed_total", eye.Missed, u.lane.ID, eye.Camera)
			out <- prometheus.MustNewConstMetric(c.desc["camera_blind_seconds_total"], prometheus.CounterValue, eye.Blind.Seconds(), u.lane.ID, eye.Camera)
		}
	}
	for _, l := range s.Lanes {
		for event, n := range map[string]uint64{
			"read": l.Stats.Reads, "late_read": l.Stats.LateReads, "opened": l.Stats.Opened, "held": l.Stats.Held, "passed": l.Stats.Passed,
			"unread": l.Stats.Unread, "write_failed": l.Stats.Failures, "photo_lost": l.Stats.LostPhotos,
		} {
			count("lane_events_total", n, l.Lane, event)
		}
		gauge("lane_waiting", truth(l.Waiting != nil), l.Lane)
		for _, d := range l.Devices {
			gauge("device_up", truth(d.State == device.Up), l.Lane, d.Device, string(d.Role))
			count("device_events_total", d.Events, l.Lane, d.Device)
			count("device_doubled_total", d.Doubled, l.Lane, d.Device)
			count("device_breaks_total", d.Breaks, l.Lane, d.Device)
			last := 0.0
			if !d.LastBusiness.IsZero() {
				last = float64(d.LastBusiness.UnixMilli()) / 1000
			}
			gauge("device_last_business_seconds", last, l.Lane, d.Device)
		}
	}
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
