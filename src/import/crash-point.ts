const chosen = process.env['ROSTERDROP_CRASH_POINT']

/** Where tests end the process as a power failure would: nothing happens unless the environment names the point. */
export function crashPoint(name: string): void {
  if (chosen === name) process.kill(process.pid, 'SIGKILL')
}
