import type { Words } from '@/i18n'

/** Words that both desks (admin and seat) need beside the common ones. */
export const desk = {
  'account.menu': ['账号', 'Account'],
  'account.password': ['修改密码', 'Change password'],
  'account.password.old': ['当前密码', 'Present password'],
  'account.password.new': ['新密码', 'New password'],
  'account.password.again': ['再次输入新密码', 'New password again'],
  'account.password.differs': ['两次输入的新密码不一致', 'The two new passwords differ'],
  'account.password.short': ['新密码至少 10 个字符', 'At least 10 characters'],
  'account.password.done': ['密码已修改', 'Password changed'],
  'desk.go_admin': ['管理后台', 'Administration'],
  'desk.go_seat': ['坐席工作台', 'Seat desk'],
} satisfies Words
