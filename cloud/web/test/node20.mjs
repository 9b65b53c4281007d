// Vitest 5 groups failures with Map.groupBy, which came with Node 21; without it a failing run cannot say what failed.
Map.groupBy ??= (items, keyOf) => {
  const groups = new Map()
  for (const item of items) {
    const key = keyOf(item)
    groups.set(key, [...(groups.get(key) ?? []), item])
  }
  return groups
}
