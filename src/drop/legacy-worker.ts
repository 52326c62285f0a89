import { parentPort, workerData } from 'node:worker_threads'
import { compare } from 'bcryptjs'
import { verifyShaCrypt } from './sha-crypt.ts'

/** Verifies one hash of another system; in a thread of its own, because both algorithms are JavaScript here. */
async function verify({ stored, password }: { stored: string; password: string }) {
  return stored.startsWith('$6$') ? verifyShaCrypt(stored, password) : compare(password, stored)
}

parentPort?.postMessage(await verify(workerData))
