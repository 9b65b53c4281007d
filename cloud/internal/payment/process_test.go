package payment_test

import (
	"bytes"
	"encoding/json"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"lotkeeper/cloud/fakepay"
	"lotkeeper/cloud/fakepay/fakepaytest"
	"lotkeeper/cloud/internal/lot/lottest"
	"lotkeeper/cloud/internal/payment"
	"lotkeeper/cloud/internal/payment/paymenttest"
)

// The same against the double as a program of its own: two processes, keys by files, all over sockets.
func TestAgainstTheGatewayAsAProcess(t *testing.T) {
	w := paymenttest.New(t, false)
	bin := filepath.Join(t.TempDir(), "fakepay")
	if out, err := exec.Command("go", "build", "-o", bin, "lotkeeper/cloud/fakepay/cmd/fakepay").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	keys := fakepaytest.Keys(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	lottest.Must(t, err)
	addr := l.Addr().String()
	lottest.Must(t, l.Close())
	cmd := exec.Command(bin, "--listen", addr, "--keys", keys, "--retry", "50ms,50ms,50ms")
	cmd.Stderr = os.Stderr
	lottest.Must(t, cmd.Start())
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	stopped := false
	t.Cleanup(func() {
		if !stopped {
			_ = cmd.Process.Kill()
			t.Logf("the gateway was killed: %v", <-ended)
		}
	})
	paymenttest.Until(t, "the gateway", func() bool {
		res, err := http.Get("http://" + addr + "/healthz")
		return err == nil && res.Body.Close() == nil && res.StatusCode == 204
	})
	sim := func(path string, v any) {
		t.Helper()
		b, err := json.Marshal(v)
		lottest.Must(t, err)
		res, err := http.Post("http://"+addr+path, "application/json", bytes.NewReader(b))
		lottest.Must(t, err)
		lottest.Must(t, res.Body.Close())
		if res.StatusCode != 204 {
			t.Fatalf("%s: %s", path, res.Status)
		}
	}
	w.Pay.Config = fakepaytest.Config(t, keys, "http://"+addr)
	s := w.Replica(true)
	w.Server = w.Serve(s.Register) // what the gateway notifies
	for n, f := range []fakepay.Faults{{}, {Duplicate: 20}, {Forge: true}, {Tamper: true}, {WrongAmount: true}, {DropCallback: true}} {
		sim("/sim/faults", f)
		session := w.Booth.Enter(paymenttest.Plate(n), time.Minute)
		o, err := s.Order(t.Context(), payment.Request{
			Operator: "op_a", Lot: paymenttest.Lot, Session: session, Quote: "quo-" + session.String(), Channel: "wechat_h5", Description: "停车费",
			Amount: 1550, Currency: "CNY", QuotedAt: w.Now(), ClientIP: "127.0.0.1",
		})
		lottest.Must(t, err)
		before := notices(w, "rejected") + notices(w, "mismatched")
		sim("/sim/pay", map[string]string{"out_trade_no": o.No})
		paid := func() bool { return text(w, `SELECT state FROM payment_orders WHERE no = $1`, o.No) == "paid" }
		if f.Forge || f.Tamper || f.WrongAmount {
			paymenttest.Until(t, "the spoilt notification", func() bool { return notices(w, "rejected")+notices(w, "mismatched") > before })
		}
		if f.Forge || f.Tamper || f.WrongAmount || f.DropCallback {
			if paid() {
				t.Fatalf("with %+v the order is paid", f)
			}
			w.Pass(3 * time.Second)
			if _, err := s.Check(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		paymenttest.Until(t, "the payment", paid)
	}
	if settled(w) != 6 || w.Count(`SELECT count(*) FROM fact_outbox`) != 6 {
		t.Errorf("%d settled, %d facts, want 6", settled(w), w.Count(`SELECT count(*) FROM fact_outbox`))
	}
	paymenttest.Sound(t, w.Count)
	lottest.Must(t, cmd.Process.Signal(syscall.SIGTERM))
	if err := <-ended; err != nil {
		t.Errorf("the gateway ended with %v", err)
	}
	stopped = true
}
