package owner_test

import (
	"bytes"
	"image/png"
	"testing"
	"time"

	"lotkeeper/cloud/internal/lot/lottest"
	"lotkeeper/cloud/internal/payment/paymenttest"
	"lotkeeper/shared/fact"
	"lotkeeper/shared/plate"
	"lotkeeper/shared/receipt"
)

// M32.03: whoever has paid holds a receipt that any booth of the lot checks with no network.
func TestAPaymentGivesAReceiptForTheScanner(t *testing.T) {
	w := paymenttest.New(t, true)
	session := w.Booth.Enter("粤B12345", time.Minute)
	q, _, _ := ask(w, body{"plate": "粤B12345"})
	no, _, _, _ := pay(w, q.Quote)
	var o struct {
		State   string
		Receipt *struct{ Proof string }
	}
	get := func() {
		t.Helper()
		o.Receipt = nil
		if status, code := w.Server.Do(lottest.Anonymous, "GET", "/api/v1/owner/orders/"+no, nil, &o); status != 200 {
			t.Fatalf("order: %d %s", status, code)
		}
	}
	picture := func() (int, []byte) {
		status, b, _ := w.Server.Raw(lottest.Anonymous, "GET", "/api/v1/owner/orders/"+no+"/qr.png", nil)
		return status, b
	}
	if get(); o.Receipt != nil {
		t.Fatalf("before it is paid there is a receipt: %+v", o.Receipt)
	}
	if status, _ := picture(); status != 404 {
		t.Errorf("before it is paid there is a code: %d", status)
	}
	quoted := w.Now()
	w.Pass(time.Minute)
	lottest.Must(t, w.Pay.Pay(no))
	paymenttest.Until(t, "the payment", func() bool { return w.Count(`SELECT count(*) FROM payment_orders WHERE state = 'paid'`) == 1 })
	get()
	if o.Receipt == nil || o.Receipt.Proof == "" {
		t.Fatalf("paid: %+v", o)
	}
	r, err := receipt.Decode(o.Receipt.Proof, w.CA.ConfigPublicKey())
	p, _ := plate.Parse("粤B12345", plate.ColourUnknown)
	if err != nil || r.Session != session || r.Order != no || r.Amount != 600 || r.Curr != "CNY" || r.Lot != "riverside" || r.Provider != "wechat" ||
		r.Vehicle != receipt.VehicleOf("riverside", p) || r.Quoted.Unix() != quoted.Unix() || !r.Good(w.Now()) || r.Good(w.Now().Add(25*time.Hour)) {
		t.Errorf("receipt %+v, %v", r, err)
	}
	first := o.Receipt.Proof
	if get(); o.Receipt.Proof != first {
		t.Error("asked again, it is another receipt")
	}
	status, b := picture()
	if img, err := png.Decode(bytes.NewReader(b)); status != 200 || err != nil || img.Bounds().Dx() < 300 {
		t.Errorf("the code: %d, %v", status, err)
	}
	w.Sequence()
	w.Booth.Pass("粤B12345", fact.Exit, w.Now())
	if get(); o.Receipt == nil || o.Receipt.Proof != "" {
		t.Errorf("after it has left: %+v", o.Receipt)
	}
	if status, _ := picture(); status != 404 {
		t.Errorf("after it has left there is a code: %d", status)
	}
}
