import { ref, watch, type Ref } from 'vue'

/** Rings twice, softly, when `count` grows. A browser lets a page sound only after somebody touched it. */
export function useBell(count: Ref<number>) {
  const on = ref(true)
  let audio: AudioContext | undefined

  function tone(at: number, hz: number, ctx: AudioContext) {
    const o = ctx.createOscillator()
    const g = ctx.createGain()
    o.type = 'sine'
    o.frequency.value = hz
    g.gain.setValueAtTime(0, at)
    g.gain.linearRampToValueAtTime(0.16, at + 0.02)
    g.gain.exponentialRampToValueAtTime(0.001, at + 0.4)
    o.connect(g).connect(ctx.destination)
    o.start(at)
    o.stop(at + 0.45)
  }
  watch(count, (n, before) => {
    if (!on.value || n <= before || typeof AudioContext === 'undefined') return
    audio ??= new AudioContext()
    tone(audio.currentTime, 660, audio)
    tone(audio.currentTime + 0.18, 880, audio)
  })
  return { on }
}
