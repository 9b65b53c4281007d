package lot

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/skip2/go-qrcode"

	"lotkeeper/cloud/internal/platform/id"
	"lotkeeper/cloud/internal/platform/permission"
	"lotkeeper/cloud/internal/platform/web"
	"lotkeeper/shared/calendar"
	"lotkeeper/shared/fact"
	"lotkeeper/shared/money"
	"lotkeeper/shared/tariff"
	"lotkeeper/shared/wire"
)

type textBody struct {
	ZH string `json:"zh" maxLength:"400"`
	EN string `json:"en" maxLength:"400"`
}

type deviceBody struct {
	ID       string `json:"id" maxLength:"40"`
	Role     string `json:"role" enum:"camera,barrier,display"`
	Kind     string `json:"kind" maxLength:"60" doc:"Which adapter drives it."`
	Settings any    `json:"settings,omitempty" doc:"The adapter's own settings, an object."`
	Dir      string `json:"dir,omitempty" enum:"entry,exit" doc:"Of a camera that sees vehicles of one way only, at a lane of both directions."`
}

type laneBody struct {
	ID      string       `json:"id" maxLength:"40"`
	Name    textBody     `json:"name"`
	Dir     string       `json:"dir" enum:"entry,exit,both,inner"`
	Booth   string       `json:"booth" maxLength:"40"`
	Devices []deviceBody `json:"devices" maxItems:"50"`
	From    string       `json:"from,omitempty" maxLength:"40" doc:"The zone it comes from; empty is outside."`
	To      string       `json:"to,omitempty" maxLength:"40" doc:"The zone it leads into; empty is outside, or a lot without zones."`
}

type zoneBody struct {
	ID       string   `json:"id" maxLength:"40"`
	Name     textBody `json:"name"`
	Capacity int      `json:"capacity,omitempty" minimum:"0" maximum:"1000000" doc:"0 is not counted."`
}

// BoothBody is a booth as an operator describes it. It and SpecBody are exported because the document is made from
// embedded fields of exported types only.
type BoothBody struct {
	ID    string   `json:"id" maxLength:"40"`
	Name  textBody `json:"name"`
	Raft  string   `json:"raft,omitempty" maxLength:"200" doc:"host:port of its raft, for the other booths."`
	Peer  string   `json:"peer,omitempty" maxLength:"200" doc:"host:port of its exchange with the other booths."`
	Voter bool     `json:"voter,omitempty"`
}

type ruleBody struct {
	Class    string     `json:"class,omitempty" maxLength:"40" doc:"Plate class; empty is any."`
	DayTypes []string   `json:"day_types,omitempty" maxItems:"20" doc:"Types of the date of entry, or names of weekdays; empty is any."`
	From     *time.Time `json:"from,omitempty" doc:"It holds for entries from then on; none is always."`
	Tariff   string     `json:"tariff" maxLength:"100"`
	Version  int        `json:"version" minimum:"1" maximum:"1000000"`
}

func ruleOf(r wire.TariffRule) ruleBody {
	b := ruleBody{Class: r.Class, DayTypes: r.DayTypes, Tariff: r.Tariff.ID, Version: r.Tariff.Version}
	if !r.From.IsZero() {
		b.From = &r.From
	}
	return b
}

func (b ruleBody) rule() wire.TariffRule {
	r := wire.TariffRule{Class: b.Class, DayTypes: b.DayTypes, Tariff: fact.TariffRef{ID: b.Tariff, Version: b.Version}}
	if b.From != nil {
		r.From = b.From.UTC()
	}
	return r
}

type freeBody struct {
	Plate string    `json:"plate" maxLength:"40"`
	From  time.Time `json:"from"`
	To    time.Time `json:"to"`
	Why   string    `json:"why" maxLength:"200"`
}

type entitledBody struct {
	Plate        string    `json:"plate" maxLength:"40"`
	Entitlements []string  `json:"entitlements" minItems:"1" maxItems:"20" doc:"Words that plans of tariffs name, such as resident."`
	From         time.Time `json:"from"`
	To           time.Time `json:"to"`
	Why          string    `json:"why" maxLength:"200"`
}

type policyBody struct {
	NoEntry  string `json:"no_entry,omitempty" enum:"hold,open" doc:"An exit without an entry."`
	JournalX string `json:"journal_x,omitempty" enum:"hold,open" doc:"The booth cannot write its journal."`
	LiveFor  int    `json:"live_for,omitempty" minimum:"0" maximum:"60" doc:"Seconds a read may be old and still move a barrier; 0 is 12."`

	Beyond      string             `json:"beyond,omitempty" enum:"entry,stay" doc:"Of a stay of which a right covers a part: entry: what is covered is free if the entry was; stay: all of it is free if the entry was covered. Without it: what is covered is free."`
	Arrears     string             `json:"arrears,omitempty" enum:"show,refuse" doc:"What an entry does about a vehicle that owes: show tells the amount, refuse also keeps it out. Without it: nothing."`
	ArrearsFrom money.Amount       `json:"arrears_from,omitempty" minimum:"0" doc:"Minor units: refuse keeps out who owes as much or more. 0: whatever it owes."`
	Promises    wire.PromisePolicy `json:"promises,omitempty" doc:"Who may leave on a promise to pay while the cloud is away."`
	Passage     wire.PassagePolicy `json:"passage,omitzero" doc:"Passages that are not as they should be."`
}

// SpecBody is what a lot is made of, in both directions.
type SpecBody struct {
	Kind     string         `json:"kind" enum:"off_street,on_street"`
	Name     textBody       `json:"name"`
	TZ       string         `json:"tz" maxLength:"60" example:"Asia/Shanghai"`
	Currency string         `json:"currency" maxLength:"3" example:"CNY"`
	Capacity int            `json:"capacity" minimum:"0" maximum:"1000000"`
	Lanes    []laneBody     `json:"lanes" maxItems:"200"`
	Booths   []BoothBody    `json:"booths" maxItems:"50"`
	Tariffs  []any          `json:"tariffs,omitempty" maxItems:"500" doc:"Tariff documents. Published versions stay, named or not, and cannot change."`
	Rules    []ruleBody     `json:"rules,omitempty" maxItems:"100" doc:"Which tariff a new stay gets; the first that fits."`
	Calendar any            `json:"calendar,omitempty" doc:"Day types of dates."`
	Free     []freeBody     `json:"free,omitempty" maxItems:"20000" doc:"Plates that need not pay."`
	Entitled []entitledBody `json:"entitled,omitempty" maxItems:"20000" doc:"Plates for which tariffs have prices of their own."`
	Policy   policyBody     `json:"policy,omitempty"`
	Staff    []staffBody    `json:"staff,omitempty" maxItems:"500" doc:"Who may act at the booths. None given keeps who is in force."`
	Zones    []zoneBody     `json:"zones,omitempty" maxItems:"100" doc:"Parts of the lot with lanes between them: nested lots."`
}

func recode(v any, where string, into any, decode func([]byte) error) error {
	text, err := json.Marshal(v)
	if err == nil {
		if decode != nil {
			err = decode(text)
		} else {
			err = json.Unmarshal(text, into)
		}
	}
	if err != nil {
		return ErrInvalid.With(where, "内容有误："+err.Error(), err.Error())
	}
	return nil
}

func (b SpecBody) spec() (Spec, error) {
	s := Spec{
		Kind: Kind(b.Kind), Name: tariff.Text(b.Name), TZ: b.TZ, Currency: money.Currency(b.Currency), Capacity: b.Capacity, Policy: wire.Policy(b.Policy),
	}
	for i, l := range b.Lanes {
		lane := wire.Lane{ID: l.ID, Name: tariff.Text(l.Name), Dir: fact.Dir(l.Dir), Booth: l.Booth, From: l.From, To: l.To}
		for j, d := range l.Devices {
			settings := json.RawMessage("{}")
			if d.Settings != nil {
				if err := recode(d.Settings, fmt.Sprintf("body.lanes[%d].devices[%d].settings", i, j), &settings, nil); err != nil {
					return s, err
				}
			}
			lane.Devices = append(lane.Devices, wire.Device{ID: d.ID, Role: d.Role, Kind: d.Kind, Settings: settings, Dir: fact.Dir(d.Dir)})
		}
		s.Lanes = append(s.Lanes, lane)
	}
	for _, x := range b.Booths {
		s.Booths = append(s.Booths, wire.Booth{ID: x.ID, Name: tariff.Text(x.Name), Raft: x.Raft, Peer: x.Peer, Voter: x.Voter})
	}
	people, err := staff(b.Staff)
	if err != nil {
		return s, err
	}
	s.Staff = people
	for i, x := range b.Tariffs {
		err := recode(x, fmt.Sprintf("body.tariffs[%d]", i), nil, func(text []byte) error {
			t, err := tariff.Decode(text)
			s.Tariffs = append(s.Tariffs, t)
			return err
		})
		if err != nil {
			return s, err
		}
	}
	for _, x := range b.Rules {
		s.Rules = append(s.Rules, x.rule())
	}
	if b.Calendar != nil {
		err := recode(b.Calendar, "body.calendar", nil, func(text []byte) (err error) {
			s.Calendar, err = calendar.Decode(text)
			return err
		})
		if err != nil {
			return s, err
		}
	}
	for _, x := range b.Free {
		s.Free = append(s.Free, wire.FreePlate(x))
	}
	for _, z := range b.Zones {
		s.Zones = append(s.Zones, wire.Zone{ID: z.ID, Name: tariff.Text(z.Name), Capacity: z.Capacity})
	}
	for _, x := range b.Entitled {
		s.Entitled = append(s.Entitled, wire.EntitledPlate(x))
	}
	return s, nil
}

type boothState struct {
	BoothBody
	Online   bool       `json:"online"`
	SeenAt   *time.Time `json:"seen_at"`
	Author   string     `json:"author" doc:"Its newest log."`
	Seq      uint64     `json:"seq" doc:"How far that log has arrived."`
	Lag      uint64     `json:"lag" doc:"Facts it has that have not arrived."`
	Config   uint64     `json:"config" doc:"The configuration in force there."`
	Software string     `json:"software"`
}

type tariffBody struct {
	ID      string   `json:"id"`
	Version int      `json:"version"`
	Text    textBody `json:"text" doc:"In plain words, one rule a line."`
}

type lotBody struct {
	ID string `json:"id"`
	SpecBody
	Booths       []boothState `json:"booths"`
	Inside       int          `json:"inside"`
	ConfigNumber uint64       `json:"config_number"`
	Tariff       *tariffBody  `json:"tariff" doc:"What a stay of any vehicle gets that begins now."`
	PayURL       string       `json:"pay_url"`
}

type lotOutput struct{ Body lotBody }

func bodyOf(l Lot, now time.Time) lotBody {
	c := l.Config
	b := lotBody{
		ID: string(l.ID), Inside: l.Inside, ConfigNumber: c.Number, PayURL: c.PayURL, Booths: []boothState{},
		SpecBody: SpecBody{
			Kind: string(l.Kind), Name: textBody(c.Name), TZ: c.TZ, Currency: string(c.Currency), Capacity: c.Capacity,
			Lanes: []laneBody{}, Tariffs: []any{}, Policy: policyBody(c.Policy), Calendar: c.Calendar, Staff: staffOf(c),
		},
	}
	for _, l := range c.Lanes {
		lane := laneBody{ID: l.ID, Name: textBody(l.Name), Dir: string(l.Dir), Booth: l.Booth, Devices: []deviceBody{}, From: l.From, To: l.To}
		for _, d := range l.Devices {
			lane.Devices = append(lane.Devices, deviceBody{d.ID, d.Role, d.Kind, d.Settings, string(d.Dir)})
		}
		b.Lanes = append(b.Lanes, lane)
	}
	states := map[string]Booth{}
	for _, s := range l.Booths {
		states[s.ID] = s
	}
	for _, x := range c.Booths {
		s := states[x.ID]
		b.Booths = append(b.Booths, boothState{
			BoothBody: BoothBody{x.ID, textBody(x.Name), x.Raft, x.Peer, x.Voter}, Online: s.Online, SeenAt: s.SeenAt,
			Author: s.Author, Seq: s.Seq, Lag: s.Lag, Config: s.Config, Software: s.Software,
		})
	}
	for _, t := range c.Tariffs {
		b.Tariffs = append(b.Tariffs, t)
	}
	for _, r := range c.Rules {
		b.Rules = append(b.Rules, ruleOf(r))
	}
	for _, f := range c.Free {
		b.Free = append(b.Free, freeBody(f))
	}
	for _, z := range c.Zones {
		b.Zones = append(b.Zones, zoneBody{z.ID, textBody(z.Name), z.Capacity})
	}
	for _, e := range c.Entitled {
		b.Entitled = append(b.Entitled, entitledBody(e))
	}
	if ref, ok := c.TariffFor("", now); ok {
		if t, ok := c.Tariff(ref); ok {
			zh, en := tariff.Explain(t)
			b.Tariff = &tariffBody{ref.ID, ref.Version, textBody{zh, en}}
		}
	}
	return b
}

// Register adds the operations.
func (s *Service) Register(api *web.API) {
	const tag, lots = "lot", "/api/v1/lots"
	web.Register(api, web.Operation{
		Access: web.Access{Permission: permission.LotRead},
		ID:     "list-lots", Method: http.MethodGet, Path: lots, Tag: tag, Summary: "Lots", SummaryZH: "停车场列表",
	}, s.list)
	web.Register(api, web.Operation{
		Access: web.Access{Permission: permission.LotWrite},
		ID:     "create-lot", Method: http.MethodPost, Path: lots, Tag: tag, Status: http.StatusCreated, MaxBody: 2 << 20,
		Summary: "Make a lot with its first configuration", SummaryZH: "新建停车场",
	}, s.create)
	web.Register(api, web.Operation{
		Access: web.Access{Permission: permission.LotRead},
		ID:     "get-lot", Method: http.MethodGet, Path: lots + "/{lot}", Tag: tag,
		Summary: "A lot with its configuration and booths", SummaryZH: "停车场详情",
	}, s.get)
	web.Register(api, web.Operation{
		Access: web.Access{Permission: permission.LotWrite},
		ID:     "update-lot", Method: http.MethodPut, Path: lots + "/{lot}", Tag: tag, MaxBody: 2 << 20,
		Summary: "Give a lot its next configuration", SummaryZH: "修改停车场配置，下发到岗亭",
	}, s.update)
	api.Raw(web.Route{
		Access: web.Access{Permission: permission.LotRead}, Method: http.MethodGet, Path: lots + "/:lot/lanes/:lane/qr.png",
		Summary: "Static code of a lane: the address where its drivers pay",
	}, http.HandlerFunc(s.code))
}

type listInput struct {
	Kind string `query:"kind" enum:"off_street,on_street"`
	Q    string `query:"q" maxLength:"100" doc:"Part of the id or a name."`
}

type summaryBody struct {
	ID           string   `json:"id"`
	Name         textBody `json:"name"`
	Kind         string   `json:"kind"`
	TZ           string   `json:"tz"`
	Currency     string   `json:"currency"`
	Capacity     int      `json:"capacity"`
	Inside       int      `json:"inside"`
	Lanes        int      `json:"lanes"`
	Booths       int      `json:"booths"`
	BoothsOnline int      `json:"booths_online"`
	Alarms       int      `json:"alarms"`
}

type listOutput struct {
	Body struct {
		Items []summaryBody `json:"items"`
		Total int           `json:"total"`
	}
}

func (s *Service) list(ctx context.Context, in *listInput) (*listOutput, error) {
	found, err := s.Find(ctx, web.Who(ctx).Scope(), Kind(in.Kind), in.Q)
	if err != nil {
		return nil, err
	}
	out := &listOutput{}
	out.Body.Total, out.Body.Items = len(found), make([]summaryBody, 0, len(found))
	for _, l := range found {
		out.Body.Items = append(out.Body.Items, summaryBody{
			string(l.ID), textBody(l.Name), string(l.Kind), l.TZ, string(l.Currency), l.Capacity, l.Inside, l.Lanes, l.Booths, l.BoothsOnline, l.Alarms,
		})
	}
	return out, nil
}

type createInput struct {
	Body struct {
		ID string `json:"id" maxLength:"40" doc:"For ever; part of topics and addresses." example:"riverside"`
		SpecBody
	}
}

func by(ctx context.Context) By {
	from := web.From(ctx)
	return By{Actor: web.Who(ctx).Actor(), RequestID: from.RequestID, Address: from.Address}
}

func (s *Service) create(ctx context.Context, in *createInput) (*lotOutput, error) {
	sc := web.Who(ctx).Scope()
	if _, all := sc.Lots(); !all || sc.Operator() == "" {
		return nil, ErrScope
	}
	spec, err := in.Body.spec()
	if err != nil {
		return nil, err
	}
	if _, err := s.Create(ctx, by(ctx), sc.Operator(), id.Lot(in.Body.ID), spec); err != nil {
		return nil, err
	}
	return s.output(ctx, in.Body.ID)
}

type getInput struct {
	Lot string `path:"lot" maxLength:"40"`
}

func (s *Service) get(ctx context.Context, in *getInput) (*lotOutput, error) {
	return s.output(ctx, in.Lot)
}

func (s *Service) output(ctx context.Context, lot string) (*lotOutput, error) {
	l, err := s.ByID(ctx, web.Who(ctx).Scope(), id.Lot(lot))
	if err != nil {
		return nil, err
	}
	return &lotOutput{bodyOf(l, s.o.Now())}, nil
}

type updateInput struct {
	Lot  string `path:"lot" maxLength:"40"`
	Body struct {
		ConfigNumber uint64 `json:"config_number" maximum:"9007199254740991" doc:"The configuration that this change was made on."`
		SpecBody
	}
}

func (s *Service) update(ctx context.Context, in *updateInput) (*lotOutput, error) {
	spec, err := in.Body.spec()
	if err != nil {
		return nil, err
	}
	if _, err := s.Update(ctx, by(ctx), web.Who(ctx).Scope(), id.Lot(in.Lot), in.Body.ConfigNumber, spec); err != nil {
		return nil, err
	}
	return s.output(ctx, in.Lot)
}

// code draws the static code of a lane.
func (s *Service) code(w http.ResponseWriter, r *http.Request) {
	c, err := s.Config(r.Context(), web.Who(r.Context()).Scope(), id.Lot(r.PathValue("lot")))
	if err != nil {
		web.WriteProblem(w, r, err)
		return
	}
	for _, l := range c.Lanes {
		if l.ID == r.PathValue("lane") {
			if c.PayURL == "" {
				web.WriteProblem(w, r, ErrNoAddress)
				return
			}
			png, err := qrcode.Encode(c.PayURL+"&lane="+l.ID, qrcode.Medium, 512)
			if err != nil {
				web.WriteProblem(w, r, fmt.Errorf("draw code of lane %s: %w", l.ID, err))
				return
			}
			w.Header().Set("Content-Type", "image/png")
			_, _ = w.Write(png) // the client is gone: nothing to do about it
			return
		}
	}
	web.WriteProblem(w, r, ErrNoLane)
}
