/** What the doors and the imports report for the operator's figures; `src/observe/` fills it. */
export interface Metrics {
  /** `route`: the pattern, never what a caller wrote. */
  request(request: { method: string; route: string; status: number; seconds: number }): void
  /** Everything as Prometheus text. */
  text(): Promise<{ type: string; text: string }>
}
