const dayMs = 86_400_000

/** What the clocks of `timeZone` show at `time`, as if it were UTC. */
function wallClock(time: number, timeZone: string): number {
  const parts = new Intl.DateTimeFormat('en-US', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  }).formatToParts(time)
  const part = (type: string): number => Number(parts.find((one) => one.type === type)?.value)
  const [year, month, day] = [part('year'), part('month'), part('day')]
  return Date.UTC(year, month - 1, day, part('hour'), part('minute'), part('second'))
}

/** When the next day begins in an IANA time zone: at midnight, or where clocks skip it, right after. */
export function startOfNextDay(now: number, timeZone: string): number {
  const wanted = Math.floor(wallClock(now, timeZone) / dayMs + 1) * dayMs
  let start = wanted - (wallClock(now, timeZone) - Math.floor(now / 1000) * 1000)
  // Clocks may change between now and then.
  start += wanted - wallClock(start, timeZone)
  return start + Math.max(0, wanted - wallClock(start, timeZone))
}
