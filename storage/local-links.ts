import { randomUUID } from 'node:crypto'
import { linkSync, mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { hasCode } from './local-problem.ts'

/** Where staged bytes are, on the same file system as what they become. */
export const stagingFolder = '.staging'

/**
 * Links every published file of the store in `root` into a hidden folder of it, in one go: a file is never written to
 * once it has its name, so the links are a copy as of now. Returns the folder, which the caller removes.
 */
export function linkAll(root: string): string {
  const links = join(root, stagingFolder, `links-${randomUUID()}`)
  mkdirSync(links, { recursive: true, mode: 0o700 })
  const pending = ['']
  for (let folder = pending.pop(); folder !== undefined; folder = pending.pop()) {
    mkdirSync(join(links, folder), { recursive: true, mode: 0o700 })
    for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
      if (folder === '' && entry.name === stagingFolder) continue
      const path = join(folder, entry.name)
      if (entry.isDirectory()) pending.push(path)
      else if (entry.isFile()) linkOne(join(root, path), join(links, path))
    }
  }
  return links
}

function linkOne(from: string, to: string): void {
  try {
    linkSync(from, to)
  } catch (error) {
    // Moved away in between.
    if (!hasCode(error, 'ENOENT')) throw error
  }
}
