// What differs between two texts, line by line.

export interface DiffLine { mark: 'same' | 'gone' | 'new'; text: string }

export function diffLines(before: string, after: string): DiffLine[] {
  const [a, b] = [before, after].map((t) => t.split('\n').filter((x) => x.trim() !== '')) as [string[], string[]]
  // The longest common subsequence, from the end, so that what is left can be read off from the start.
  const len = Array.from({ length: a.length + 1 }, () => new Array<number>(b.length + 1).fill(0))
  for (let i = a.length - 1; i >= 0; i--) for (let j = b.length - 1; j >= 0; j--) len[i]![j] = a[i] === b[j] ? len[i + 1]![j + 1]! + 1 : Math.max(len[i + 1]![j]!, len[i]![j + 1]!)
  const out: DiffLine[] = []
  let [i, j] = [0, 0]
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      out.push({ mark: 'same', text: a[i]! })
      i++
      j++
    } else if (i < a.length && (j === b.length || len[i + 1]![j]! >= len[i]![j + 1]!)) out.push({ mark: 'gone', text: a[i++]! })
    else out.push({ mark: 'new', text: b[j++]! })
  }
  return out
}
