'use strict';
// What the page says, in both languages.
const WORDS = {
  inside: ['在场', 'inside'], free: ['空位', 'free'], standing: ['运行状况', 'How things stand'], devices: ['设备', 'Devices'], passages: ['最近过车', 'Last passages'],
  time: ['时间', 'Time'], photo: ['照片', 'Photo'], lane: ['车道', 'Lane'], plate: ['车牌', 'Plate'], decision: ['判定', 'Decision'], fee: ['应收', 'Fee'], outcome: ['结果', 'Outcome'],
  cancel: ['取消', 'Cancel'], close_window: ['关闭', 'Close'], stale: ['与岗亭程序的连接中断，画面不是当前状态', 'The connection to the booth is lost: this is not the present state'],
  sign_in: ['登录', 'Sign in'], sign_out: ['退出', 'Sign out'], name: ['姓名', 'Name'], code: ['口令', 'Code'], first: ['请先登录', 'Sign in first'],
  open: ['开闸', 'Open'], close: ['关闸', 'Close'], cash: ['收现金', 'Take cash'], correct: ['改车牌', 'Correct plate'], waive: ['免费放行（免去应收）', 'Free of charge (waive what is due)'],
  reason: ['原因', 'Reason'], amount: ['金额（元）', 'Amount'], colour: ['颜色', 'Colour'], nobody: ['车道空闲', 'Nobody there'], no_plate: ['无牌', 'No plate'], since: ['已等待', 'waiting'], pick: ['请选择入场记录：', 'Pick the entry:'],
  entered: ['入场', 'entered'], done: ['已完成', 'Done'], stayed: ['停车', 'stayed'], late: ['离线记录', 'stored record'], unlicensed: ['无牌车', 'Unlicensed'],
};
const REASONS = {
  entry: ['入场放行', 'Entry'], free: ['免费', 'Free'], paid: ['已缴费', 'Paid'], again: ['重复放行', 'Released before'], unpaid: ['待缴费', 'Unpaid'], no_entry: ['无入场记录', 'No entry found'],
  no_plate: ['无牌车', 'No plate'], unpriced: ['无法计费', 'Cannot be priced'], tailgate: ['跟车', 'Followed another'], journal: ['日志故障', 'Journal fault'], manual: ['人工放行', 'Opened by hand'],
  waived: ['免费放行', 'Waived'], command: ['远程放行', 'Opened remotely'], button: ['按钮放行', 'Cabinet button'], fire: ['消防放行', 'Fire'], unread: ['未识别', 'Not read'],
};
const OUTCOMES = { passed: ['通过', 'passed'], reversed: ['倒车离开', 'reversed'], gone: ['未通过', 'gone'] };
const ARMS = { up: ['杆起', 'arm up'], down: ['杆落', 'arm down'], moving: ['动作中', 'moving'], unknown: ['未知', 'unknown'] };
const DIRS = { entry: ['入口', 'Entry'], exit: ['出口', 'Exit'] };
const STATES = { up: ['正常', 'up'], down: ['离线', 'away'], starting: ['连接中', 'starting'] };
const ROLES = { camera: ['相机', 'Camera'], barrier: ['道闸', 'Barrier'], display: ['显示屏', 'Display'] };
const COLOURS = { blue: ['蓝', 'Blue'], yellow: ['黄', 'Yellow'], green: ['绿', 'Green'], 'yellow-green': ['黄绿', 'Yellow-green'], white: ['白', 'White'], black: ['黑', 'Black'], unknown: ['不明', 'Unknown'] };
const WHY = [['相机未识别', 'Camera did not read'], ['已线下付款', 'Paid elsewhere'], ['特殊车辆', 'Special vehicle'], ['设备故障', 'Device fault'], ['疏导拥堵', 'Clear a jam']];
