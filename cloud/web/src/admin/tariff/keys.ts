// The keys of a document that the form shows, part by part. All others are told as "also set in the document".

export const known = {
  tariff: ['id', 'version', 'name', 'tz', 'currency', 'precision', 'plans', 'rounding', 'grace_after_payment', 'after_payment'],
  rounding: ['unit', 'mode', 'per'],
  plan: ['id', 'name', 'classes', 'entitlements', 'day_types', 'free', 'bands', 'cycle', 'position', 'counted', 'boundary', 'end', 'tail', 'caps', 'minimum'],
  free: ['up_to', 'inclusive', 'then', 'scope'],
  cycle: ['kind', 'length', 'at', 'full_price'],
  band: ['id', 'name', 'from', 'to', 'day_types', 'steps'],
  step: ['up_to', 'unit', 'price', 'end'],
  cap: ['amount', 'window', 'length', 'at', 'from', 'to', 'bands'],
} as const

export const choices = {
  currency: ['CNY', 'HKD', 'MOP', 'USD', 'EUR', 'GBP', 'JPY', 'SGD'],
  tz: ['Asia/Shanghai', 'Asia/Hong_Kong', 'Asia/Macau', 'Asia/Urumqi', 'Asia/Singapore', 'Asia/Tokyo', 'Europe/London', 'Europe/Berlin', 'America/New_York'],
  precision: ['second', 'minute', 'clock_minute'],
  after: ['rerate', 'new_stay'],
  mode: ['half_up', 'up', 'down'],
  per: ['total', 'cycle', 'unit'],
  classes: ['small', 'large', 'new-energy-small', 'new-energy-large', 'trailer', 'training', 'police', 'embassy', 'consulate', 'hong-kong', 'macao', 'armed-police', 'military', 'emergency', 'aviation', 'temporary', 'foreign', 'none'],
  then: ['whole', 'deduct'],
  scope: ['stay', 'cycle', 'run', 'chargeable'],
  position: ['run', 'cycle', 'stay'],
  counted: ['chargeable', 'band', 'elapsed'],
  boundary: ['cut', 'through', 'pause', 'share'],
  end: ['ceil', 'floor', 'tail', 'started', 'exact'],
  cycle: ['none', 'block', 'day'],
  window: ['stay', 'cycle', 'block', 'day', 'clock', 'run'],
} as const
