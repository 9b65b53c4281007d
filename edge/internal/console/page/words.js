// What the page says, in both languages: [Chinese, English].
const WORDS = {
  tagline: ['云在不在，岗亭都照常工作。', 'The booth works, cloud or no cloud.'],
  door_title: ['岗亭登录', 'Booth sign-in'], door_text: ['车牌和照片是个人信息，请登录后查看。一次登录管一个班次（12 小时）。', 'Plates and pictures are personal. Sign in to see them; once is enough for a shift (12 hours).'],
  name: ['姓名', 'Name'], code: ['口令', 'Code'], sign_in: ['登录', 'Sign in'], sign_out: ['退出', 'Sign out'], till: ['登录至 {at}', 'signed in until {at}'],
  ended: ['登录已结束，请重新登录', 'Your sign-in has ended: sign in again'], unreachable: ['岗亭程序没有应答', 'The booth does not answer'], empty: ['请输入姓名和口令', 'Enter your name and code'],
  inside: ['在场', 'inside'], free: ['空位', 'free'], cloud: ['云平台在线', 'Cloud connected'], no_cloud: ['云平台离线', 'Cloud away'],
  lanes: ['车道', 'Lanes'], standing: ['运行状况', 'How things stand'], devices: ['设备', 'Devices'], passages: ['最近过车', 'Last passages'], no_passages: ['还没有车经过', 'Nobody has passed yet'],
  time: ['时间', 'Time'], photo: ['照片', 'Photo'], lane: ['车道', 'Lane'], plate: ['车牌', 'Plate'], decision: ['判定', 'Decision'], fee: ['应收', 'Fee'], outcome: ['结果', 'Outcome'],
  stale: ['与岗亭程序的连接中断，画面不是当前状态', 'The connection to the booth is lost: this is not the present state'],
  cancel: ['取消', 'Cancel'], close_window: ['关闭', 'Close'], other_language: ['English', '中文'],
  open: ['开闸', 'Open'], close: ['关闸', 'Close'], cash: ['收现金', 'Cash'], correct: ['改车牌', 'Plate'], match: ['认定', 'It is this one'],
  open_title: ['开闸放行', 'Open the barrier'], close_title: ['落闸', 'Lower the arm'], cash_title: ['收现金', 'Take cash'], correct_title: ['更正车牌', 'Correct the plate'], match_title: ['认定入场记录', 'Pick the entry'],
  reason: ['选择或填写原因（必填）', 'Pick or write a reason (required)'], more: ['补充说明', 'In your words'], need_reason: ['必须填写原因', 'A reason is required'],
  debt: ['该车有 {amount} 未缴，放行后记为欠费。', '{amount} is due; let through, it becomes a debt.'], waive: ['免去应收（免费放行）', 'Waive what is due (free of charge)'],
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
    waived: ['免费放行', 'Waived'], command: ['坐席放行', 'Opened by a seat'], button: ['按钮放行', 'Cabinet button'], fire: ['消防放行', 'Fire'], unread: ['未识别', 'Not read'],
    black: ['黑名单，禁止入场', 'Black list: entry refused'], arrears: ['有欠费', 'Owes from earlier stays'], special: ['特殊车辆', 'Special vehicle'], free_list: ['免费名单', 'Free list'],
    permit: ['月卡', 'Month card'], permit_full: ['月卡车位已占用，按临时车', 'Places of the card are taken: as a visitor'],
  },
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
