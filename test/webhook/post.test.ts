import { createServer } from 'node:https'
import { once } from 'node:events'
import { generate } from 'selfsigned'
import { afterEach, describe, expect, test } from 'vitest'
import { post } from '../../src/webhook/post.ts'
import { startReceiver } from './receiver.ts'

const stops: (() => Promise<void>)[] = []
afterEach(async () => {
  await Promise.all(stops.splice(0).map((stop) => stop()))
})

async function receiver(...answers: Parameters<typeof startReceiver>) {
  const started = await startReceiver(...answers)
  stops.push(() => started.stop())
  return started
}

const message = { body: '{}', headers: { 'content-type': 'application/json' } }
const here = { networks: ['127.0.0.0/8'], timeoutMs: 2_000 }
const nowhere = { networks: [], timeoutMs: 2_000 }

describe('post()', () => {
  test('posts the body, and keeps status and beginning of the answer', async () => {
    const { url, received } = await receiver([{ status: 422, body: 'x'.repeat(2_000) }])
    const result = await post(new URL(`${url}?a=b`), message, here)
    expect(result).toEqual({ status: 422, answer: 'x'.repeat(500) })
    expect(received).toMatchObject([{ path: '/hook?a=b', body: '{}' }])
  })

  test('keeps what stands behind a NUL in the answer, and not the NUL', async () => {
    const { url } = await receiver([{ status: 500, body: 'odd \0 answer' }])
    expect(await post(new URL(url), message, here)).toMatchObject({ answer: 'odd \uFFFD answer' })
  })

  test('a name goes to the address that was checked, under its own name', async () => {
    const { port, received } = await receiver()
    const url = new URL(`http://hook.maple.example:${port}/`)
    const resolve = async () => ['127.0.0.1']
    expect(await post(url, message, { ...here, resolve })).toMatchObject({ status: 204 })
    expect(received[0]?.headers.host).toBe(`hook.maple.example:${port}`)
  })

  test.each([
    ['loopback', (port: number) => `http://127.0.0.1:${port}/`, []],
    ['a short form of loopback', (port: number) => `http://127.1:${port}/`, []],
    ['loopback as a number', (port: number) => `http://2130706433:${port}/`, []],
    ['loopback inside IPv6', (port: number) => `http://[::ffff:127.0.0.1]:${port}/`, []],
    ['a name that leads to loopback', (port: number) => `http://a.example:${port}/`, ['127.0.0.1']],
    [
      'a name with a public and a private address',
      (port: number) => `https://a.example:${port}/`,
      ['93.184.215.14', '127.0.0.1'],
    ],
    ['the address of cloud metadata', () => 'https://169.254.169.254/', []],
  ])('does not go to %s, and sends nothing', async (_, urlOf, addresses) => {
    const { port, received } = await receiver()
    const result = await post(new URL(urlOf(port)), message, {
      ...nowhere,
      resolve: async () => addresses,
    })
    expect(result).toEqual({
      status: null,
      answer: 'the host is in a private network, which WEBHOOK_NETWORKS does not name',
    })
    expect(received).toEqual([])
  })

  test('a name that leads elsewhere at its second look-up is looked up once', async () => {
    const { port, received } = await receiver()
    const answers = [['127.0.0.2'], ['127.0.0.1']]
    const resolve = async () => answers.shift() ?? []
    const options = { networks: ['127.0.0.1'], timeoutMs: 2_000, resolve }
    const result = await post(new URL(`http://a.example:${port}/`), message, options)
    expect(result.status).toBeNull()
    expect(answers).toHaveLength(1)
    expect(received).toEqual([])
  })

  test('does not follow a redirect, wherever it leads', async () => {
    const inside = await receiver()
    const outside = await receiver([{ status: 307, headers: { location: inside.url } }])
    const result = await post(new URL(outside.url), message, here)
    expect(result).toEqual({ status: 307, answer: `redirects are not followed: ${inside.url}` })
    expect(inside.received).toEqual([])
  })

  test('http is refused outside of the networks that are allowed', async () => {
    const resolve = async () => ['93.184.215.14']
    const result = await post(new URL('http://a.example/'), message, { ...nowhere, resolve })
    expect(result.answer).toContain('https is needed')
  })

  test('a certificate that is not that of the name is refused before anything is sent', async () => {
    const { private: key, cert } = await generate([{ name: 'commonName', value: 'x.example' }])
    let requests = 0
    const server = createServer({ key, cert }, (_, response) => {
      requests += 1
      response.end()
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    stops.push(async () => void server.close())
    const address = server.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    const resolve = async () => ['127.0.0.1']
    const url = new URL(`https://x.example:${port}/`)
    const result = await post(url, message, { ...here, resolve })
    expect(result.status).toBeNull()
    expect(result.answer).toContain('self-signed certificate')
    expect(requests).toBe(0)
  })

  test('a receiver that does not answer is given up', async () => {
    const { createServer: createTcp } = await import('node:net')
    const server = createTcp(() => undefined)
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    stops.push(async () => void server.close())
    const address = server.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    const url = new URL(`http://127.0.0.1:${port}/`)
    const result = await post(url, message, { ...here, timeoutMs: 100 })
    expect(result).toEqual({ status: null, answer: 'no answer within 0.1 seconds' })
  })
})
