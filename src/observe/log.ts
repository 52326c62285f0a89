import { pino } from 'pino'
import type { DestinationStream } from 'pino'
import type { Log } from '../domain/log.ts'

export interface LogOptions {
  level: 'debug' | 'info' | 'warn' | 'error'
  /** Where the lines go; default: standard output, as JSON lines. */
  stream?: DestinationStream
}

// A field of these names is never meant for a log; the tests look for canaries besides.
const secretFields = ['password', 'token', 'authorization', 'passwordHash', 'secret']

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
    stream ?? pino.destination({ dest: 1, sync: true }),
  )
  return {
    debug: (message, fields) => logger.debug(fields ?? {}, message),
    info: (message, fields) => logger.info(fields ?? {}, message),
    warn: (message, fields) => logger.warn(fields ?? {}, message),
    error: (message, fields) => logger.error(fields ?? {}, message),
  }
}
