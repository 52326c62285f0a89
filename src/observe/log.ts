import { pino } from 'pino'
import type { DestinationStream } from 'pino'
import type { Log } from '../domain/log.ts'
import { prettyLine } from './pretty.ts'

export interface LogOptions {
  level: 'debug' | 'info' | 'warn' | 'error'
  /** Where the lines go; default: standard output, as JSON lines or, on a terminal, for people. */
  stream?: DestinationStream
}

// A field of these names is never meant for a log; the tests look for canaries besides.
const secretFields = ['password', 'token', 'authorization', 'passwordHash', 'secret']

/** Standard output: JSON lines for programs, and on a terminal lines for people. */
function standardOutput(): DestinationStream {
  const lines = pino.destination({ dest: 1, sync: true })
  if (!process.stdout.isTTY) return lines
  const colour = process.env['NO_COLOR'] === undefined
  return { write: (line) => void lines.write(prettyLine(line, { colour })) }
}

/** The log as JSON lines: one object a line with `time`, `level`, `msg` and the fields. */
export function createLog({ level, stream }: LogOptions): Log {
  const logger = pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { error: pino.stdSerializers.err },
      redact: { paths: secretFields.flatMap((name) => [name, `*.${name}`]), remove: true },
    },
    stream ?? standardOutput(),
  )
  return {
    debugs: level === 'debug',
    debug: (message, fields) => logger.debug(fields ?? {}, message),
    info: (message, fields) => logger.info(fields ?? {}, message),
    warn: (message, fields) => logger.warn(fields ?? {}, message),
    error: (message, fields) => logger.error(fields ?? {}, message),
  }
}
