// Package alarm names what can be wrong with a booth, and says it in words. Booths and the cloud show the same.
package alarm

import "lotkeeper/shared/tariff"

// The codes, as in fact.Alarm.
const (
	CameraBlind   = "camera_blind"   // subject: the camera
	CameraDown    = "camera_down"    // subject: the camera
	CameraClock   = "camera_clock"   // subject: the camera
	BarrierSilent = "barrier_silent" // subject: the barrier's board
	BarrierStuck  = "barrier_stuck"  // subject: the lane
	DisplayDown   = "display_down"   // subject: the display
	LoopStuck     = "loop_stuck"     // subject: the lane
	LaneStuck     = "lane_stuck"     // subject: the lane
	DiskStall     = "disk_stall"
	DiskLow       = "disk_low"
	JournalDown   = "journal_down"
	ClockSuspect  = "clock_suspect"
	SystemClock   = "system_clock"

	SecondCopy       = "second_copy"
	FileDamaged      = "file_damaged"      // subject: the file
	AuthorClosed     = "author_closed"     // subject: the author
	IncarnationEnded = "incarnation_ended" // subject: the author
	BlackList        = "black_list"        // subject: the lane; the detail names the right, not the vehicle
)

// texts say for people what each code means.
var texts = map[string]tariff.Text{
	CameraBlind:      {ZH: "相机在线但不再识别车牌，请检查相机", EN: "the camera is connected but reads no plates: look at it"},
	CameraDown:       {ZH: "相机离线，请检查电源和网线", EN: "the camera is away: check its power and cable"},
	CameraClock:      {ZH: "相机时钟偏差大，请校时", EN: "the camera's clock is far off: set it"},
	BarrierSilent:    {ZH: "道闸控制板无应答，请检查", EN: "the barrier's board does not answer: check it"},
	BarrierStuck:     {ZH: "闸杆不动作，请看现场", EN: "the arm does not move: look at it"},
	DisplayDown:      {ZH: "显示屏离线，请检查", EN: "the display is away: check it"},
	LoopStuck:        {ZH: "地感长时间被占用，请检查线圈或移开车辆", EN: "the loop has been occupied for long: check it, or move the vehicle"},
	LaneStuck:        {ZH: "车道程序无响应", EN: "the lane's program does not answer"},
	DiskStall:        {ZH: "磁盘写入缓慢，请检查磁盘", EN: "the disk is slow to write: check it"},
	DiskLow:          {ZH: "磁盘空间不足，请清理", EN: "the disk is nearly full: make room"},
	JournalDown:      {ZH: "本机日志无法写入", EN: "the journal cannot be written"},
	ClockSuspect:     {ZH: "本岗亭时钟可疑", EN: "this booth's clock is not to be trusted"},
	SecondCopy:       {ZH: "收费记录没有第二份副本，请检查磁盘", EN: "what was charged and paid has no second copy: check the disk"},
	FileDamaged:      {ZH: "数据文件损坏，已移开并保留，岗亭继续工作", EN: "a data file was damaged; it is set aside and kept, and the booth goes on"},
	AuthorClosed:     {ZH: "一份日志出现两个版本，不再接收", EN: "a log exists in two versions; nothing more of it is taken"},
	IncarnationEnded: {ZH: "本机日志被复制或截短，已换新的日志继续", EN: "this booth's log was copied or shortened; it goes on with a new one"},
	BlackList:        {ZH: "黑名单车辆在车道", EN: "a vehicle of the black list stands at a lane"},
	SystemClock:      {ZH: "系统时钟被改动，本岗亭继续按单调时钟计时", EN: "the system's clock was changed; the booth keeps its own time"},
}

// Text says for people what a code means; of one that is not known here it returns the code.
func Text(code string) tariff.Text {
	if t, ok := texts[code]; ok {
		return t
	}
	return tariff.Text{ZH: code, EN: code}
}
