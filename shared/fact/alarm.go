package fact

import "time"

// Alarm is the body of [KindAlarmRaised] and [KindAlarmCleared]: something of a booth that a person should look at, and
// that it is over. Of one booth, code and subject the last word counts; there is one raising for each clearing.
type Alarm struct {
	Code    string    `json:"code"`              // snake_case, as "camera_blind"
	Subject string    `json:"subject,omitempty"` // id of the device, lane or booth that it is about
	Detail  string    `json:"detail,omitempty"`  // for a technician; never a plate
	Since   time.Time `json:"since"`             // when it began; of a clearing too
}
