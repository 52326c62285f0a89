import type { TokenScope } from '../../../src/domain/account.ts'
import { openWorld } from '../client.ts'
import type { World } from '../client.ts'

/** Someone with a browser: keeps the cookie, and says where a form comes from. */
export interface Visitor {
  readonly cookie: string
  get(path: string): Promise<Response>
  text(path: string): Promise<string>
  post(path: string, fields?: Record<string, string>, headers?: HeadersInit): Promise<Response>
}

export const origin = 'http://localhost'

/** Signs in by the token of `scope`; the console runs on loopback. */
export async function signedIn(
  world: World,
  scope: Exclude<TokenScope, never> | 'other',
): Promise<Visitor> {
  const answer = await world.app.request('/console/sign-in', {
    method: 'POST',
    headers: { origin, 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams({ token: world.tokens[scope] }).toString(),
  })
  if (answer.status !== 303) throw new Error(`sign-in answered ${answer.status}`)
  return visitor(world, (answer.headers.get('set-cookie') ?? '').split(';')[0] ?? '')
}

/** The same for a cookie that is there already; '' for nobody. */
export function visitor(world: World, cookie: string): Visitor {
  const get = async (path: string): Promise<Response> =>
    world.app.request(path, cookie === '' ? {} : { headers: { cookie } })
  return {
    cookie,
    get,
    async text(path) {
      const answer = await get(path)
      if (answer.status !== 200) throw new Error(`GET ${path} answered ${answer.status}`)
      return answer.text()
    },
    async post(path, fields = {}, more = {}) {
      const headers = new Headers({ origin, 'content-type': 'application/x-www-form-urlencoded' })
      if (cookie !== '') headers.set('cookie', cookie)
      for (const [name, value] of new Headers(more)) headers.set(name, value)
      return world.app.request(path, {
        method: 'POST',
        headers,
        body: new URLSearchParams(fields).toString(),
      })
    },
  }
}

/** A path of the access table with things that are there, all of client maple. */
export async function pathOf(
  world: World,
  route: string,
): Promise<{ method: string; path: string }> {
  const [method = '', pattern = ''] = route.split(' ')
  const run = await world.addRun({ state: 'held' })
  const path = pattern
    .replace(':tenant', 'ten_maple')
    .replace('/imports/:id', `/imports/${run.id}`)
    .replace('/accounts/:id', '/accounts/acc_maple')
    .replace(/:(?:id|uuid|at|name|secret|delivery)/, 'none')
  return { method, path }
}

export { openWorld }
export type { World }
