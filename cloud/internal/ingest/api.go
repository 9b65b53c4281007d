package ingest

import (
	"context"
	"encoding/hex"
	"net/http"
	"time"

	"lotkeeper/cloud/internal/audit"
	"lotkeeper/cloud/internal/platform/database"
	"lotkeeper/cloud/internal/platform/permission"
	"lotkeeper/cloud/internal/platform/web"
)

// API serves what people may see of ingest.
type API struct {
	service *Service
	audit   *audit.Log
}

// NewAPI makes the operations of a service.
func NewAPI(s *Service, log *audit.Log) *API { return &API{s, log} }

// Register adds the operations.
func (a *API) Register(api *web.API) {
	web.Register(api, web.Operation{
		Access: web.Access{Permission: permission.BoothRead},
		ID:     "list-quarantine", Method: http.MethodGet, Path: "/api/v1/ingest/quarantine", Tag: "ingest",
		Summary: "Facts that were stored but cannot be applied", SummaryZH: "被隔离的记录",
	}, a.quarantine)
	web.Register(api, web.Operation{
		Access: web.Access{Permission: permission.BoothRead},
		ID:     "list-cursors", Method: http.MethodGet, Path: "/api/v1/lots/{lot}/cursors", Tag: "ingest",
		Summary: "How far each author's log has arrived, and the digest", SummaryZH: "各岗亭日志的接收进度与摘要",
	}, a.cursors)
	web.Register(api, web.Operation{
		Access: web.Access{Permission: permission.BoothRead},
		ID:     "list-alarms", Method: http.MethodGet, Path: "/api/v1/alarms", Tag: "ingest",
		Summary: "Open alarms, newest first", SummaryZH: "未处理的告警",
	}, a.alarms)
	web.Register(api, web.Operation{
		Access: web.Access{Permission: permission.LotWrite},
		ID:     "clear-alarm", Method: http.MethodPost, Path: "/api/v1/alarms/{alarm}/clear", Tag: "ingest",
		Summary: "Mark an alarm as seen to", SummaryZH: "告警处理完毕",
	}, a.clear)
}

type quarantineInput struct {
	Lot  string `query:"lot" maxLength:"40"`
	Page int    `query:"page" minimum:"1" maximum:"100000" default:"1"`
	Size int    `query:"size" minimum:"1" maximum:"200" default:"20"`
}

type quarantineItem struct {
	Lot   string    `json:"lot"`
	Fact  string    `json:"fact"`
	Kind  string    `json:"kind"`
	Cause string    `json:"cause"`
	At    time.Time `json:"at"`
}

type quarantineOutput struct {
	Body struct {
		Items []quarantineItem `json:"items"`
		Total int64            `json:"total"`
	}
}

func (a *API) quarantine(ctx context.Context, in *quarantineInput) (*quarantineOutput, error) {
	rows, total, err := a.service.store.quarantined(ctx, web.Who(ctx).Scope(), in.Lot, in.Size, (in.Page-1)*in.Size)
	if err != nil {
		return nil, err
	}
	out := &quarantineOutput{}
	out.Body.Total, out.Body.Items = total, make([]quarantineItem, 0, len(rows))
	for _, r := range rows {
		out.Body.Items = append(out.Body.Items, quarantineItem{r.LotID, factID(r.Author, r.Seq), r.Kind, r.Cause, r.At})
	}
	return out, nil
}

type lotInput struct {
	Lot string `path:"lot" maxLength:"40"`
}

type cursorItem struct {
	Author    string    `json:"author"`
	Booth     string    `json:"booth"`
	Seq       int64     `json:"seq"`
	Hash      string    `json:"hash"`
	UpdatedAt time.Time `json:"updated_at"`
	Closed    string    `json:"closed,omitempty" doc:"Why nothing more is taken from it."`
}

type cursorsOutput struct {
	Body struct {
		Items  []cursorItem `json:"items"`
		Digest string       `json:"digest" doc:"Of all logs up to the cursors: a booth with the same cursors has the same."`
	}
}

func (a *API) cursors(ctx context.Context, in *lotInput) (*cursorsOutput, error) {
	rows, digest, err := a.service.logs(ctx, web.Who(ctx).Scope(), in.Lot)
	if err != nil {
		return nil, err
	}
	out := &cursorsOutput{}
	out.Body.Digest, out.Body.Items = digest.String(), make([]cursorItem, 0, len(rows))
	for _, r := range rows {
		item := cursorItem{Author: r.Author, Booth: r.BoothID, Seq: r.Seq, Hash: hex.EncodeToString(r.Hash), UpdatedAt: r.UpdatedAt}
		if r.ClosedWhy != nil {
			item.Closed = *r.ClosedWhy
		}
		out.Body.Items = append(out.Body.Items, item)
	}
	return out, nil
}

type alarmsInput struct {
	Lot string `query:"lot" maxLength:"40"`
}

type alarmText struct {
	ZH string `json:"zh"`
	EN string `json:"en"`
}

type alarmItem struct {
	ID       string    `json:"id"`
	Lot      string    `json:"lot"`
	Kind     string    `json:"kind"`
	Subject  string    `json:"subject"`
	Text     alarmText `json:"text"`
	Times    int64     `json:"times"`
	RaisedAt time.Time `json:"raised_at"`
	LastAt   time.Time `json:"last_at"`
}

type alarmsOutput struct {
	Body struct {
		Items []alarmItem `json:"items"`
		Total int         `json:"total"`
	}
}

func (a *API) alarms(ctx context.Context, in *alarmsInput) (*alarmsOutput, error) {
	rows, err := a.service.store.alarms(ctx, web.Who(ctx).Scope(), in.Lot)
	if err != nil {
		return nil, err
	}
	out := &alarmsOutput{}
	out.Body.Total, out.Body.Items = len(rows), make([]alarmItem, 0, len(rows))
	for _, r := range rows {
		out.Body.Items = append(out.Body.Items, alarmItem{r.ID, r.LotID, r.Kind, r.Subject, alarmText{r.Zh, r.En}, r.Times, r.RaisedAt, r.LastAt})
	}
	return out, nil
}

type clearInput struct {
	Alarm string `path:"alarm" maxLength:"40"`
}

func (a *API) clear(ctx context.Context, in *clearInput) (*struct{}, error) {
	who, from := web.Who(ctx), web.From(ctx)
	return nil, a.service.o.DB.WithTx(ctx, func(tx *database.Tx) error {
		lot, err := a.service.store.clearAlarm(tx, who.Scope(), in.Alarm, a.service.o.Now().UTC())
		if err != nil {
			return err
		}
		return a.audit.Append(tx, audit.Entry{
			Operator: who.Scope().Operator(), Actor: who.Actor(), Action: "alarm.clear", Subject: "alarm:" + in.Alarm,
			After: map[string]string{"lot": lot}, RequestID: from.RequestID, Address: from.Address,
		})
	})
}
