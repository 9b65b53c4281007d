package audit

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"lotkeeper/cloud/internal/platform/permission"
	"lotkeeper/cloud/internal/platform/scope"
	"lotkeeper/cloud/internal/platform/web"
)

type listInput struct {
	Actor   string `query:"actor" maxLength:"100" doc:"Who, as user:usr-…"`
	Action  string `query:"action" maxLength:"100" doc:"What, as user.create"`
	Subject string `query:"subject" maxLength:"200" doc:"To what, as user:usr-…"`
	Before  int64  `query:"before" minimum:"0" maximum:"9007199254740991" doc:"Only rows with a smaller id: the next of the page before."`
	Limit   int    `query:"limit" minimum:"1" maximum:"200" default:"50"`
}

type listOutput struct {
	Body struct {
		Records []recordBody `json:"records"`
		Next    int64        `json:"next" doc:"Give this as before to get the next page; 0: there is none."`
	}
}

type recordBody struct {
	ID        int64     `json:"id"`
	At        time.Time `json:"at"`
	Actor     string    `json:"actor" doc:"user:usr-…, system:… or driver"`
	Action    string    `json:"action"`
	Subject   string    `json:"subject"`
	Before    any       `json:"before" doc:"State before, null for a creation."`
	After     any       `json:"after" doc:"State after, null for a removal."`
	RequestID string    `json:"request_id"`
	Address   string    `json:"address" doc:"IP of the caller."`
}

// Register adds the operations.
func (l *Log) Register(api *web.API) {
	web.Register(api, web.Operation{
		Access: web.Access{Permission: permission.AuditRead},
		ID:     "list-audit", Method: http.MethodGet, Path: "/api/v1/audit", Tag: "audit",
		Summary: "Who did what, newest first", SummaryZH: "操作日志，最新在前",
	}, l.list)
}

func (l *Log) list(ctx context.Context, in *listInput) (*listOutput, error) {
	records, err := l.Find(ctx, web.Who(ctx).Scope(), Filter{
		Actor: scope.Actor(in.Actor), Action: in.Action, Subject: in.Subject, BeforeID: in.Before, Limit: in.Limit,
	})
	if err != nil {
		return nil, err
	}
	out := &listOutput{}
	out.Body.Records = make([]recordBody, 0, len(records))
	for _, r := range records {
		body := recordBody{
			ID: r.ID, At: r.At, Actor: string(r.Actor), Action: r.Action, Subject: r.Subject, RequestID: r.RequestID, Address: r.Address,
		}
		if err := json.Unmarshal(r.Before, &body.Before); err != nil {
			return nil, err
		}
		if err := json.Unmarshal(r.After, &body.After); err != nil {
			return nil, err
		}
		out.Body.Records = append(out.Body.Records, body)
	}
	if len(records) == in.Limit {
		out.Body.Next = records[len(records)-1].ID
	}
	return out, nil
}
