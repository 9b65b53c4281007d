// What the page says, in both languages: [Chinese, English].
const WORDS = {
  tagline: ['云在不在，岗亭都照常工作。', 'The booth works, cloud or no cloud.'],
  door_title: ['岗亭登录', 'Booth sign-in'], door_text: ['车牌和照片是个人信息，请登录后查看。一次登录管一个班次（12 小时）。', 'Plates and pictures are personal. Sign in to see them; once is enough for a shift (12 hours).'],
  name: ['姓名', 'Name'], code: ['口令', 'Code'], sign_in: ['登录', 'Sign in'], sign_out: ['退出', 'Sign out'], till: ['登录至 {at}', 'signed in until {at}'],
  ended: ['登录已结束，请重新登录', 'Your sign-in has ended: sign in again'], unreachable: ['岗亭程序没有应答', 'The booth does not answer'], empty: ['请输入姓名和口令', 'Enter your name and code'],
  inside: ['在场', 'inside'], places: ['空位', 'free'], cloud: ['云平台在线', 'Cloud connected'], no_cloud: ['云平台离线', 'Cloud away'],
  lanes: ['车道', 'Lanes'], standing: ['运行状况', 'How things stand'], devices: ['设备', 'Devices'], passages: ['最近过车', 'Last passages'], no_passages: ['还没有车经过', 'Nobody has passed yet'],
  time: ['时间', 'Time'], photo: ['照片', 'Photo'], lane: ['车道', 'Lane'], plate: ['车牌', 'Plate'], decision: ['判定', 'Decision'], fee: ['应收', 'Fee'], outcome: ['结果', 'Outcome'],
  stale: ['与岗亭程序的连接中断，画面不是当前状态', 'The connection to the booth is lost: this is not the present state'],
  cancel: ['取消', 'Cancel'], close_window: ['关闭', 'Close'], other_language: ['English', '中文'],
  open: ['开闸', 'Open'], close: ['关闸', 'Close'], cash: ['收现金', 'Cash'], correct: ['改车牌', 'Plate'], match: ['认定', 'It is this one'],
  open_title: ['开闸放行', 'Open the barrier'], close_title: ['落闸', 'Lower the arm'], cash_title: ['收现金', 'Take cash'], correct_title: ['更正车牌', 'Correct the plate'], match_title: ['认定入场记录', 'Pick the entry'],
  reason: ['选择或填写原因（必填）', 'Pick or write a reason (required)'], more: ['补充说明', 'In your words'], need_reason: ['必须填写原因', 'A reason is required'],
  mode: ['模式', 'Mode'], mode_title: ['车道模式', 'Mode of the lane'], mode_kind: ['车道模式', 'The lane is'], minutes: ['持续（分钟）', 'For (minutes)'], convoy_count: ['车队辆数', 'Vehicles'], bad_number: ['请填写 1 至 {most} 的整数', 'Enter a whole number from 1 to {most}'], until: ['至 {at}', 'until {at}'],
  free: ['免费放行', 'Free'], promise: ['承诺付款', 'Promise'], scan: ['扫凭证', 'Scan'],
  free_title: ['免费放行', 'Let it go free'], promise_title: ['承诺付款放行', 'Let it go on a promise'], scan_title: ['扫描付款凭证', 'Scan a receipt'],
  waived: ['应收 {amount} 将全部免去，记入本班。', '{amount} is waived and stands in this shift.'], promised: ['{amount} 记为欠费，车主事后补缴。', '{amount} becomes a debt that is paid later.'],
  scan_text: ['对准扫码器，或输入凭证内容', 'Hold it to the scanner, or type what it says'], need_scan: ['请扫描或输入凭证', 'Scan or type the receipt'],
  no_right: ['没有这项权限', 'You may not do this'], nothing_due: ['当前无应收金额', 'Nothing is due'], not_on_duty: ['不是您的班次，请先交接班（F10）', 'It is not your shift: take over first (F10)'],
  no_promise: ['云平台在线或该车已达上限，不能承诺付款', 'No promise: the cloud is there, or the car has reached its limit'], nobody_waits: ['没有等待的车', 'Nobody waits'], no_similar: ['没有候选记录', 'There is no entry to pick'],
  entry_photo: ['入场照片', 'At the entry'], exit_photo: ['出场照片', 'At the exit'], elsewhere: ['照片在入口岗亭', 'The picture is at the booth of the entry'],
  given: ['顾客给付', 'Given'], change: ['找零', 'Change'], too_little: ['给付金额少于应收', 'Less was given than is taken'],
  shift_title: ['班次与交接班', 'Shift and handover'], on_duty: ['{by} 当班 {at}', '{by} since {at}'], nobody_on_duty: ['未开班', 'No shift'], no_shift: ['当前没有开班，收现金前请先开班。', 'No shift is open. Open one before taking cash.'],
  open_shift: ['开班', 'Open a shift'], shift_of: ['{by} 的班次，自 {at}', 'Shift of {by} since {at}'], hand_over: ['交班', 'Hand over'], handed_over: ['已交班', 'The shift is handed over'], interim: ['查看 / 打印', 'View / print'],
  count_drawer: ['实点现金', 'Cash counted'], note: ['说明', 'Note'], next_name: ['接班人（可空）', 'Who takes over (may be empty)'], next_code: ['接班人口令', 'Their code'],
  need_count: ['请填写实点现金', 'Enter the cash that was counted'], need_note: ['实点与应有不符，请写明原因', 'The count differs: say why'], differs_by: ['与应有现金相差 {amount}，须写明原因', 'It differs by {amount}: say why'],
  report: ['交班报表', 'Shift report'], still_open: ['未交班', 'still open'], past_shifts: ['以往班次（补打）', 'Earlier shifts (print again)'], in_lane: ['{n} 辆车还在车道上，计入下一班', '{n} still in the lane count for the next shift'],
  stays: ['离场车次', 'Stays'], gross: ['应收', 'Asked'], freed: ['减免', 'Free'], waived_sum: ['人工免费', 'Waived'], debts: ['欠费', 'Debt'], releases: ['人工开闸', 'Opened by hand'], promises: ['承诺付款', 'Promises'], drawer: ['本班现金', 'Cash taken'],
  counted: ['实点现金', 'Counted'], difference: ['差额', 'Difference'], handed_by: ['交班人', 'Handed over by'], taken_by: ['接班人', 'Taken over by'],
  ticket: ['凭条', 'Ticket'], ticket_code: ['入场凭条二维码', 'Code of the ticket'], ticket_text: ['无牌车出场时向扫码器出示，仅限一次。', 'Show it to the scanner at the exit. It is good once.'],
  slip: ['停车小票', 'Parking slip'], reprint: ['小票', 'Slip'], print: ['打印', 'Print'], entered_at: ['入场', 'Entered'], left_at: ['离场', 'Left'],
  debt: ['该车有 {amount} 未缴，放行后记为欠费。', '{amount} is due; let through, it becomes a debt.'],
  due: ['待缴', 'due'], received: ['实收金额', 'Amount received'], confirm_cash: ['确认已收 {amount}', 'I have received {amount}'], bad_amount: ['金额格式错误', 'That is not an amount'],
  differs: ['与应收 {amount} 不同，我已核对', 'It is not the {amount} that is due; I have checked'], need_check: ['金额与应收不同，请勾选确认', 'The amount is not what is due: tick to confirm'],
  colour: ['颜色', 'Colour'], read_as: ['当前识别', 'Read as'], bad_plate: ['请输入完整车牌', 'Enter the whole plate'],
  as_entered: ['按 {at} 入场的记录计费', 'Priced from the entry at {at}'], pick: ['可能的入场记录', 'Entries it may be'],
  nobody: ['车道空闲', 'Nobody there'], reading: ['识别中', 'Being read'], waiting: ['已等待', 'waiting'], unlicensed: ['无牌车', 'No plate'], no_photo: ['没有照片', 'No photo'],
  entered: ['{at} 入场', 'entered {at}'], stayed: ['已停 {for}', 'stayed {for}'], late: ['离线补传', 'Stored record'], changed: ['车道上换了一辆车，请取消后重新核对', 'Another car is at the lane now. Cancel and look again.'],
  done: ['已完成', 'Done'], last: ['最近 {at}', 'last {at}'], fault: ['{what} 故障', '{what}: fault'], booth: ['岗亭 {id} · {version}', 'Booth {id} · {version}'],
};
const TABLES = {
  reason: {
    entry: ['正常入场', 'Entry'], free: ['免费', 'Free'], paid: ['已缴清', 'Paid'], again: ['重复放行', 'Released before'], unpaid: ['待缴费', 'Unpaid'], no_entry: ['未找到入场记录', 'No entry found'],
    no_plate: ['无牌车', 'No plate'], unpriced: ['无法计费', 'Cannot be priced'], tailgate: ['跟车', 'Followed another'], journal: ['岗亭无法记录', 'The booth cannot record'], manual: ['人工放行', 'Opened by hand'],
    waived: ['免费放行', 'Waived'], command: ['坐席放行', 'Opened by a seat'], promised: ['承诺付款', 'Promised to pay'], inside: ['已在场内', 'Inside already'], repeated: ['重复识别', 'Read twice'], full: ['车位已满', 'The lot is full'], held_open: ['常开', 'Held open'], convoy: ['车队放行', 'Convoy'], locked: ['已锁闸', 'Locked'], revived: ['此前离场有误', 'The exit before was false'], button: ['按钮放行', 'Cabinet button'], fire: ['消防放行', 'Fire'], unread: ['未识别', 'Not read'],
    black: ['黑名单，禁止入场', 'Black list: entry refused'], arrears: ['有欠费', 'Owes from earlier stays'], special: ['特殊车辆', 'Special vehicle'], free_list: ['免费名单', 'Free list'],
    permit: ['月卡', 'Month card'], permit_full: ['月卡车位已占用，按临时车', 'Places of the card are taken: as a visitor'],
  },
  method: { cash: ['现金', 'Cash'], wechat: ['微信', 'WeChat'], alipay: ['支付宝', 'Alipay'] },
  class: { device: ['设备', 'Device'], vehicle: ['车辆', 'Vehicle'], network: ['网络', 'Network'], storage: ['存储', 'Storage'] },
  mode: { '': ['恢复正常', 'back to normal'], held_open: ['常开', 'held open'], locked: ['锁闸', 'locked'], convoy: ['车队放行', 'passed by a convoy'] },
  outcome: { passed: ['已通过', 'Passed'], reversed: ['倒车退出', 'Backed out'], gone: ['未通过', 'Never crossed'] },
  arm: { up: ['已抬杆', 'Arm up'], down: ['已落杆', 'Arm down'], moving: ['杆在动作', 'Arm moving'], unknown: ['杆位未知', 'Arm unknown'] },
  dir: { entry: ['入口', 'Entry'], exit: ['出口', 'Exit'] },
  action: { open: ['放行', 'Let through'], hold: ['拦停', 'Held'] },
  state: { up: ['正常', 'up'], down: ['离线', 'away'], starting: ['连接中', 'starting'] },
  role: { camera: ['相机', 'Camera'], barrier: ['道闸', 'Barrier'], display: ['显示屏', 'Display'] },
  fault: { unread: ['有车未识别', 'Vehicle unread'], arm: ['闸杆不动作', 'Arm does not move'] },
  colour: { unknown: ['不明', 'Unknown'], blue: ['蓝', 'Blue'], green: ['绿', 'Green'], yellow: ['黄', 'Yellow'], 'yellow-green': ['黄绿', 'Yellow-green'], white: ['白', 'White'], black: ['黑', 'Black'] },
};
// Quick picks. What is sent is what is read, in the language of whoever picked it.
const WHY = {
  mode: [['疏导拥堵', 'Clear a jam'], ['活动散场', 'An event ends'], ['设备检修', 'Maintenance'], ['安保要求', 'Security'], ['车队通行', 'A convoy'], ['恢复正常', 'Back to normal']],
  free: [['公务车辆', 'Official vehicle'], ['应急车辆', 'Emergency vehicle'], ['内部车辆', 'Staff vehicle'], ['访客减免', 'Guest'], ['投诉处理', 'Complaint settled'], ['计费有误', 'Priced wrongly']],
  promise: [['无现金', 'No cash'], ['断网无法扫码', 'Phone cannot pay: no network'], ['手机没电', 'Phone is dead'], ['疏导拥堵', 'Clear a jam']],
  open: [['相机未识别', 'Camera did not read'], ['已在别处缴费', 'Paid elsewhere'], ['应急车辆', 'Emergency vehicle'], ['设备故障', 'Device fault'], ['内部车辆', 'Staff vehicle'], ['疏导拥堵', 'Clear a jam']],
  close: [['车已通过', 'The car is through'], ['误开闸', 'Opened by mistake'], ['防止跟车', 'Somebody would follow'], ['设备故障', 'Device fault']],
};

let lang = (localStorage.getItem('lang') ?? navigator.language).startsWith('zh') ? 0 : 1;
export const isEnglish = () => lang === 1;
export function otherLanguage() {
  lang = 1 - lang;
  localStorage.setItem('lang', lang ? 'en' : 'zh');
}
export const t = (key, values = {}) => WORDS[key][lang].replace(/\{(\w+)\}/g, (_, k) => values[k]);
// of is a code in words; a code that this page does not know stands as it is.
export const of = (table, code) => TABLES[table][code]?.[lang] ?? code ?? '';
export const codes = (table) => Object.keys(TABLES[table]);
export const picks = (what) => WHY[what].map((w) => w[lang]);
export const text = (x) => (x ? (lang ? x.en || x.zh : x.zh || x.en) || '' : '');
export function translate() {
  document.documentElement.lang = lang ? 'en' : 'zh';
  for (const e of document.querySelectorAll('[data-t]')) e.textContent = t(e.dataset.t);
  for (const e of document.querySelectorAll('[data-label]')) e.setAttribute('aria-label', t(e.dataset.label));
  for (const e of document.querySelectorAll('.language')) e.textContent = t('other_language');
}
