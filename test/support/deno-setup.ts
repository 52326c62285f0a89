// Each test process of deno.config.ts begins here: a run that is quietly Node's would prove nothing.
if (!('deno' in process.versions)) throw new Error('Cannot test Deno: this process is Node')
