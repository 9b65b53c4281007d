package seat

import (
	"context"
	"net/http"
	"time"

	"lotkeeper/cloud/internal/platform/fault"
	"lotkeeper/cloud/internal/platform/id"
	"lotkeeper/cloud/internal/platform/permission"
	"lotkeeper/cloud/internal/platform/web"
	"lotkeeper/shared/fact"
	"lotkeeper/shared/plate"
	"lotkeeper/shared/wire"
)

// Register adds the operations.
func (s *Service) Register(api *web.API) {
	const tag = "seat"
	web.Register(api, web.Operation{
		Access: web.Access{Permission: permission.LiveRead},
		ID:     "get-seat-queue", Method: http.MethodGet, Path: "/api/v1/seat/queue", Tag: tag,
		Summary: "Lanes where somebody is held, longest first", SummaryZH: "等待处理的车道",
	}, s.getQueue)
	web.Register(api, web.Operation{
		Access: web.Access{Permission: permission.BarrierOpen},
		ID:     "give-command", Method: http.MethodPost, Path: "/api/v1/seat/commands", Tag: tag, Status: http.StatusAccepted, Idempotent: true, MaxBody: 16 << 10,
		Summary: "Ask a lane to do something now; what became of it is told by its state", SummaryZH: "向车道下达指令",
	}, s.give)
	web.Register(api, web.Operation{
		Access: web.Access{Permission: permission.LiveRead},
		ID:     "get-command", Method: http.MethodGet, Path: "/api/v1/seat/commands/{id}", Tag: tag,
		Summary: "What became of a command", SummaryZH: "指令结果",
	}, s.get)
}

type queueOutput struct {
	Body struct {
		Items []Case `json:"items"`
		Total int    `json:"total"`
	}
}

func (s *Service) getQueue(ctx context.Context, _ *struct{}) (*queueOutput, error) {
	queue, err := s.Queue(ctx, web.Who(ctx).Scope())
	if err != nil {
		return nil, err
	}
	out := &queueOutput{}
	out.Body.Items, out.Body.Total = queue, len(queue)
	return out, nil
}

type giveInput struct {
	Body struct {
		Lot    string     `json:"lot" maxLength:"40"`
		Lane   string     `json:"lane" maxLength:"40"`
		Action string     `json:"action" enum:"open,close,correct,mode"`
		Reason string     `json:"reason" minLength:"1" maxLength:"200"`
		Token  wire.Token `json:"token" doc:"Of the view that the operator acts on."`
		Seen   wire.Mono  `json:"seen" doc:"mono of that view."`
		Plate  *struct {
			Text   string `json:"text" maxLength:"40"`
			Colour string `json:"colour,omitempty" enum:"unknown,blue,yellow,white,black,green,yellow-green"`
		} `json:"plate,omitempty" doc:"For correct."`
		Mode *modeBody `json:"mode,omitempty" doc:"For mode: how the lane is worked for a while."`
	}
}

type modeBody struct {
	Mode    string `json:"mode" enum:"held_open,locked,convoy,normal" doc:"normal ends the mode that stands."`
	Seconds int64  `json:"seconds,omitempty" minimum:"0" maximum:"86400" doc:"How long it lasts at most."`
	Count   int    `json:"count,omitempty" minimum:"0" maximum:"999" doc:"Of a convoy: vehicles."`
	Unpaid  string `json:"unpaid,omitempty" enum:"debt,waive" doc:"What is due of who leaves in it; absent: as the lot's policy says."`
}

func (b modeBody) order() *wire.ModeOrder {
	o := &wire.ModeOrder{Mode: fact.LaneMode(b.Mode), Seconds: b.Seconds, Count: b.Count, Unpaid: b.Unpaid}
	if b.Mode == "normal" {
		*o = wire.ModeOrder{}
	}
	return o
}

type giveOutput struct {
	Body struct {
		Command   string    `json:"command"`
		ExpiresAt time.Time `json:"expires_at"`
	}
}

func (s *Service) give(ctx context.Context, in *giveInput) (*giveOutput, error) {
	who, from, b := web.Who(ctx), web.From(ctx), in.Body
	if b.Action == string(wire.CorrectPlate) && !who.May(permission.SessionCorrect) {
		return nil, errDenied
	}
	o := Order{Lot: id.Lot(b.Lot), Command: wire.Command{Lane: b.Lane, Action: wire.CommandAction(b.Action), Reason: b.Reason, Token: b.Token, Seen: b.Seen}}
	if b.Plate != nil {
		var colour plate.Colour
		if err := colour.UnmarshalText([]byte(b.Plate.Colour)); err != nil {
			return nil, ErrInvalid.With("body.plate.colour", "颜色有误", err.Error())
		}
		p, err := plate.Parse(b.Plate.Text, colour)
		if err != nil {
			return nil, ErrInvalid.With("body.plate.text", "车牌有误", err.Error())
		}
		o.Command.Plate = &p
	}
	if b.Mode != nil {
		o.Command.Mode = b.Mode.order()
	}
	c, err := s.Give(ctx, By{who, from.RequestID, from.Address}, web.IdempotencyKey(ctx), o)
	if err != nil {
		return nil, err
	}
	out := &giveOutput{}
	out.Body.Command, out.Body.ExpiresAt = c.ID, c.ExpiresAt
	return out, nil
}

var errDenied = fault.New(fault.Denied, "permission.denied", "没有更正车牌的权限", "you may not correct plates")

type getInput struct {
	ID string `path:"id" maxLength:"40"`
}

type getOutput struct {
	Body struct {
		Command    string     `json:"command"`
		Lot        string     `json:"lot"`
		Lane       string     `json:"lane"`
		Action     string     `json:"action" enum:"open,close,correct,mode"`
		Reason     string     `json:"reason"`
		State      string     `json:"state" enum:"sent,done,refused,unknown,expired,replayed,mismatched"`
		Text       string     `json:"text" doc:"What the booth said about it."`
		Fact       string     `json:"fact" doc:"The booth's fact about it."`
		CreatedAt  time.Time  `json:"created_at"`
		ExpiresAt  time.Time  `json:"expires_at"`
		AnsweredAt *time.Time `json:"answered_at"`
	}
}

func (s *Service) get(ctx context.Context, in *getInput) (*getOutput, error) {
	c, err := s.ByID(ctx, web.Who(ctx).Scope(), in.ID)
	if err != nil {
		return nil, err
	}
	out := &getOutput{}
	b := &out.Body
	b.Command, b.Lot, b.Lane, b.Action, b.Reason = c.ID, string(c.Lot), c.Lane, string(c.Action), c.Reason
	b.State, b.Text, b.Fact, b.CreatedAt, b.ExpiresAt, b.AnsweredAt = string(c.State), c.Detail, c.Fact, c.CreatedAt, c.ExpiresAt, c.AnsweredAt
	return out, nil
}
