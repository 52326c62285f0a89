/** What a page says after a form was done; the query names the word, never the sentence. */
const sentences: Readonly<Record<string, string>> = {
  approved: 'Approved. The import goes on and will deactivate the users it lacks.',
  rejected: 'Rejected. Nothing of the file was imported.',
  cancelled: 'The import stops at its next batch. What was written stays until you revert it.',
  reverted: 'Reverted. What the import changed has been put back.',
  retried: 'The archived file was taken to be imported again.',
  imported: 'The file was taken to be imported.',
  saved: 'Saved.',
  removed: 'Removed.',
  added: 'Added.',
  revoked: 'Revoked. The token lets nobody in any more.',
  lifted: 'Lifted. The address may connect again at once.',
  queued: 'The mail is on its way.',
  resent: 'The delivery is on its way again.',
  signedOut: 'You are signed out.',
}

/** The sentence of `word`; undefined for a word that is none of ours. */
export function doneSentence(word: string): string | undefined {
  return Object.hasOwn(sentences, word) ? sentences[word] : undefined
}
