import { array, assert, asyncProperty, constantFrom, integer, oneof, string } from 'fast-check'
import { describe, expect, test } from 'vitest'
import { readFilePart } from '../../routes/multipart.ts'
import { freeNow } from '../../src/http.ts'

const encoder = new TextEncoder()

async function* inPieces(bytes: Uint8Array, sizes: readonly number[]): AsyncGenerator<Uint8Array> {
  let at = 0
  for (let i = 0; at < bytes.length; i += 1) {
    const size = sizes[i % sizes.length] ?? bytes.length
    // Each in memory of its own, as they come from a socket, which is taken away as soon as they are spent.
    yield bytes.slice(at, at + size)
    at += size
  }
}

async function read(bytes: Uint8Array, type: string, sizes = [bytes.length + 1]) {
  const part = await readFilePart(inPieces(bytes, sizes), type, freeNow)
  const pieces: Uint8Array[] = []
  for await (const piece of part.bytes) pieces.push(piece.slice())
  return { filename: part.filename, content: Buffer.concat(pieces) }
}

const type = 'multipart/form-data; boundary=XX'
const form = (lines: string[]) => encoder.encode(lines.join('\r\n'))
const head = 'Content-Disposition: form-data; name="file"; filename="a.csv"'

describe('readFilePart()', () => {
  test('reads what a browser sends, in pieces of any size', async () => {
    // Line breaks and dashes, so that beginnings of the boundary abound.
    const near = constantFrom(...Array.from('\r\n--XX-ab'))
    await assert(
      asyncProperty(
        array(oneof(near, string()), { maxLength: 60 }),
        array(integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 8 }),
        async (parts, sizes) => {
          const data = new FormData()
          data.append('file', new File([parts.join('')], 'users.csv', { type: 'text/csv' }))
          const encoded = new Response(data)
          const bytes = new Uint8Array(await encoded.clone().arrayBuffer())
          const result = await read(bytes, encoded.headers.get('content-type') ?? '', sizes)
          const file = new TextEncoder().encode(parts.join(''))
          expect(result.filename).toBe('users.csv')
          expect(result.content.equals(file)).toBe(true)
        },
      ),
    )
  })

  test.each([
    ['"a.csv"', 'a.csv'],
    ['a.csv', 'a.csv'],
    ['"C:\\dir\\a.csv"', 'a.csv'],
    ['"../../etc/a.csv"', 'a.csv'],
    ['"with \\"quotes\\".csv"', 'with "quotes".csv'],
    ['"with %22quotes%22.csv"', 'with "quotes".csv'],
    ['"日本語.csv"', '日本語.csv'],
  ])('takes the name %s as %s', async (written, name) => {
    const body = form([
      '--XX',
      `content-disposition: form-data; name=file; filename=${written}`,
      '',
      'x',
      '--XX--',
      '',
    ])
    expect((await read(body, type)).filename).toBe(name)
  })

  test.each([
    ['no boundary', 'multipart/form-data', ['--XX', head, '', 'x', '--XX--']],
    ['no part', type, ['--XX--', '']],
    ['no headers', type, ['x'.repeat(20_000)]],
    ['a cut head', type, ['--XX', head]],
    ['a cut file', type, ['--XX', head, '', 'x']],
    ['a cut boundary', type, ['--XX', head, '', 'x', '--XX']],
    ['two files', type, ['--XX', head, '', 'x', '--XX', head, '', 'y', '--XX--']],
    [
      'a field first',
      type,
      ['--XX', 'Content-Disposition: form-data; name="a"', '', 'x', '--XX--'],
    ],
    ['an empty name', type, ['--XX', head.replace('a.csv', ''), '', 'x', '--XX--']],
    ['base64', type, ['--XX', head, 'Content-Transfer-Encoding: base64', '', 'eA==', '--XX--']],
    ['bytes after the end', type, ['--XX', head, '', 'x', '--XX--', 'y'.repeat(5_000)]],
  ])('refuses a body with %s', async (_, contentType, lines) => {
    await expect(read(form(lines), contentType, [3])).rejects.toMatchObject({
      code: 'invalid',
      message: expect.stringMatching(/^Cannot take the form: .*needed/),
    })
  })
})
