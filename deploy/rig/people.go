package rig

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"lotkeeper/cloud/fakepay"
	"lotkeeper/firmware-adapters/sim/traffic"
	"lotkeeper/shared/wire"
)

// Lanes of the rig's lot.
const (
	EntryLane = "entry-1"
	ExitLane  = "exit-1"
)

// Report is what happened at the lanes, as lotsim saw it.
type Report struct {
	traffic.Report
	Wrong []traffic.Wrong `json:"wrong"`
}

// Report asks lotsim what happened.
func (r *Rig) Report(ctx context.Context) (Report, error) {
	var out Report
	return out, r.SimCall(ctx, http.MethodGet, "/report", nil, &out)
}

// Hardware is a lane's devices as lotsim has them.
func (r *Rig) Hardware(ctx context.Context, lane string) (traffic.LaneState, error) {
	var out struct {
		Lanes []traffic.LaneState `json:"lanes"`
	}
	if err := r.SimCall(ctx, http.MethodGet, "/state", nil, &out); err != nil {
		return traffic.LaneState{}, err
	}
	for _, l := range out.Lanes {
		if l.Name == lane {
			return l, nil
		}
	}
	return traffic.LaneState{}, fmt.Errorf("lotsim has no lane %q", lane)
}

// Arrive sends a car to a lane. pays is "phone", "cash" or "nothing"; lotsim's driver pays by itself when it must.
func (r *Rig) Arrive(ctx context.Context, lane, plate, pays string) (car string, err error) {
	var out struct {
		Car string `json:"car"`
	}
	in := object{"lane": lane, "plate": plate, "colour": "blue", "kind": traffic.Visitor, "pays": pays}
	return out.Car, r.SimCall(ctx, http.MethodPost, "/arrive", in, &out)
}

// Car is the truth about a car.
func (r *Rig) Car(ctx context.Context, id string) (traffic.Car, error) {
	var out struct {
		Cars []traffic.Car `json:"cars"`
	}
	if err := r.SimCall(ctx, http.MethodGet, "/truth", nil, &out); err != nil {
		return traffic.Car{}, err
	}
	for _, c := range out.Cars {
		if c.ID == id {
			return c, nil
		}
	}
	return traffic.Car{}, fmt.Errorf("lotsim has no car %q", id)
}

// AwaitCar waits until a car is where it should be.
func (r *Rig) AwaitCar(ctx context.Context, id string, want traffic.State, within time.Duration) error {
	return Until(ctx, within, func(ctx context.Context) error {
		c, err := r.Car(ctx, id)
		if err == nil && c.State != want {
			err = fmt.Errorf("car %s (%s) is %s at %q (%s), want %s", id, c.Plate.Text, c.State, c.Lane, c.Why, want)
		}
		return err
	})
}

// Drain stops cars from setting out and waits until nobody stands at a lane.
func (r *Rig) Drain(ctx context.Context, within time.Duration) error {
	if err := r.SimCall(ctx, http.MethodPost, "/calm", object{"on": true}, nil); err != nil {
		return err
	}
	return Until(ctx, within, func(ctx context.Context) error {
		rep, err := r.Report(ctx)
		if err != nil || rep.Waiting == 0 {
			return err
		}
		var out struct{ Cars []traffic.Car }
		if err := r.SimCall(ctx, http.MethodGet, "/truth", nil, &out); err != nil {
			return err
		}
		stand := []error{fmt.Errorf("%d cars still stand at the lanes", rep.Waiting)}
		for _, c := range out.Cars {
			if c.Lane != "" {
				stand = append(stand, fmt.Errorf("%s %s is %s at %s (%s), pays %s, settled %q", c.ID, c.Plate.Text, c.State, c.Lane, c.Why, c.Pays, c.Settled))
			}
		}
		return errors.Join(stand...)
	})
}

// Quote is what a driver is told on the phone.
type Quote struct {
	Quote string `json:"quote"`
	Due   int64  `json:"due"`
	Paid  int64  `json:"paid"`
	State string `json:"state"`
}

// Phone is a driver without an account.
func (r *Rig) Phone() *API {
	return &API{base: r.CloudURL, http: &http.Client{Timeout: 15 * time.Second}}
}

// Quote asks what a plate owes.
func (r *Rig) Quote(ctx context.Context, plate string) (Quote, error) {
	var q Quote
	return q, r.Phone().Call(ctx, http.MethodPost, "/api/v1/owner/quotes", object{"lot": Lot, "plate": plate}, &q)
}

// PayOrders lists what the payment double knows, by order.
func (r *Rig) PayOrders(ctx context.Context) (map[string]fakepay.Order, error) {
	out := map[string]fakepay.Order{}
	a := &API{base: r.PayURL, http: &http.Client{Timeout: 10 * time.Second}}
	return out, a.Call(ctx, http.MethodGet, "/sim/orders", nil, &out)
}

// OrderState asks the owner's page about a payment.
func (r *Rig) OrderState(ctx context.Context, order string) (string, error) {
	var out struct {
		State string `json:"state"`
	}
	return out.State, r.Phone().Call(ctx, http.MethodGet, "/api/v1/owner/orders/"+url.PathEscape(order), nil, &out)
}

// Console is the cashier at a booth. It is signed in once; a booth forgets who is in when it is started again.
func (r *Rig) Console(ctx context.Context, booth string) (*API, error) {
	r.mu.Lock()
	a := r.consoles[booth]
	r.mu.Unlock()
	var refused *StatusError
	if a != nil {
		err := a.Call(ctx, http.MethodGet, "/api/me", nil, nil)
		if err == nil || !errors.As(err, &refused) || refused.Status != http.StatusUnauthorized {
			return a, err
		}
	}
	a = &API{base: r.BoothURL[booth], http: &http.Client{Timeout: 15 * time.Second}}
	var out struct {
		Token string `json:"token"`
	}
	if err := a.Call(ctx, http.MethodPost, "/api/sign-in", object{"name": Cashier, "code": Code}, &out); err != nil {
		return nil, err
	}
	a.token = out.Token
	r.mu.Lock()
	defer r.mu.Unlock()
	r.consoles[booth] = a
	return a, nil
}

// Booth is the part of a console's state that tests look at.
type Booth struct {
	Config uint64      `json:"config"`
	Inside int         `json:"inside"`
	Lanes  []wire.Live `json:"lanes"`
	Sync   struct {
		Author  string `json:"author"`
		Facts   int    `json:"facts"`
		Cloud   bool   `json:"cloud"`
		Waiting uint64 `json:"waiting"`
		Journal string `json:"journal"`
	} `json:"sync"`
}

// Booth asks a booth's console how things stand.
func (r *Rig) Booth(ctx context.Context, booth string) (Booth, error) {
	var out Booth
	a, err := r.Console(ctx, booth)
	if err != nil {
		return out, err
	}
	return out, a.Call(ctx, http.MethodGet, "/api/state", nil, &out)
}

// TakeCash takes what is due at a lane of the booth, once there is something due.
func (r *Rig) TakeCash(ctx context.Context, booth, lane, action string, within time.Duration) (minor int64, err error) {
	a, err := r.Console(ctx, booth)
	if err != nil {
		return 0, err
	}
	err = Until(ctx, within, func(ctx context.Context) error {
		b, err := r.Booth(ctx, booth)
		if err != nil {
			return err
		}
		for _, l := range b.Lanes {
			if l.Lane == lane && l.Due > 0 {
				minor = int64(l.Due)
				return a.Call(ctx, http.MethodPost, "/api/lanes/"+lane+"/cash", object{"token": l.Token, "amount": l.Due, "action": action}, nil)
			}
		}
		return fmt.Errorf("nothing is due at %s: %+v", lane, b.Lanes)
	})
	return minor, err
}

// View is a lane as a seat sees it.
func (a *API) View(ctx context.Context, lot, lane string) (wire.Live, error) {
	var out struct {
		Lanes []struct {
			wire.Live
			Online bool `json:"booth_online"`
		} `json:"lanes"`
	}
	if err := a.Call(ctx, http.MethodGet, "/api/v1/lots/"+lot+"/live", nil, &out); err != nil {
		return wire.Live{}, err
	}
	for _, l := range out.Lanes {
		if l.Lane == lane && l.Online {
			return l.Live, nil
		}
	}
	return wire.Live{}, fmt.Errorf("lane %s of %s is not seen, or its booth is away: %+v", lane, lot, out.Lanes)
}

// Open asks for a lane to be opened, by what was seen of it. It returns the command's id.
func (a *API) Open(ctx context.Context, key, lot string, seen wire.Live) (string, error) {
	var out struct {
		Command string `json:"command"`
	}
	in := object{"lot": lot, "lane": seen.Lane, "action": "open", "reason": "系统测试 system test", "token": seen.Token, "seen": seen.Mono}
	return out.Command, a.CallAs(ctx, key, http.MethodPost, "/api/v1/seat/commands", in, &out)
}

// Verdict waits until a command is judged.
func (a *API) Verdict(ctx context.Context, command string, within time.Duration) (string, error) {
	var out struct {
		State string `json:"state"`
		Text  string `json:"text"`
	}
	err := Until(ctx, within, func(ctx context.Context) error {
		err := a.Call(ctx, http.MethodGet, "/api/v1/seat/commands/"+command, nil, &out)
		if err == nil && out.State == "sent" {
			err = fmt.Errorf("command %s is not answered", command)
		}
		return err
	})
	return out.State, err
}

// Session is a parking session as operators see it.
type Session struct {
	ID     string          `json:"id"`
	State  string          `json:"state"`
	Billed bool            `json:"billed"`
	Money  SessionMoney    `json:"money"`
	Flags  json.RawMessage `json:"flags"`
}

// SessionMoney is in minor units.
type SessionMoney struct {
	Gross  int64 `json:"gross"`
	Free   int64 `json:"free"`
	Paid   int64 `json:"paid"`
	Debt   int64 `json:"debt"`
	Excess int64 `json:"excess"`
}

// Sessions lists a plate's sessions in the rig's lot, or of all plates when it is empty.
func (a *API) Sessions(ctx context.Context, plate string) ([]Session, error) {
	var out struct {
		Items []Session `json:"items"`
	}
	return out.Items, a.Call(ctx, http.MethodGet, "/api/v1/sessions?"+url.Values{"lot": {Lot}, "plate": {plate}}.Encode(), nil, &out)
}
