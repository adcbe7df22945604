/**
 * What runs on the target before the helper does: a shell line that finds Node, and a JavaScript line that stores the
 * helper once and becomes it. Both travel as arguments of one command, so one connection carries everything, and the
 * second start on the same target uploads nothing.
 *
 * The conversation on standard output, each line led by the nonce so that the noise of shell profiles is passed over:
 *   NONCE upload          the helper of this hash is not there: send its bytes
 *   NONCE ready NODE      from here on the stream is JSON-RPC
 *   NONCE failed CODE …   nothing runs; CODE is one of {@link BootstrapFailure}
 */
export const bootstrapFailures = ['no-node', 'no-folder', 'disk-full', 'hash'] as const;
export type BootstrapFailure = (typeof bootstrapFailures)[number];

/** The oldest Node that runs the helper. */
export const OLDEST_NODE = 18;

/** V8's default lets short-lived objects take 48 MB before it looks at them: a helper makes few, and lives beside what it measures. */
const YOUNG_FLAG = '--max-semi-space-size=2';
/**
 * Lets the heap grow in small steps: naming the stacks of a whole machine takes a tenth more processor time, once, and what is
 * found takes 6 MB of 47 less from then on.
 */
const SIZE_FLAG = '--optimize-for-size';
/** The oldest Node that knows {@link LEAN_FLAG}. */
const LEAN_NODE = 22;
/**
 * V8's last compiler but one keeps 6 MB of a helper for what a look-up has done after 50 ms; loops that stay hot get the
 * code of the last one all the same. Set on the command line, for Node gives up its own compiled code when it is set later.
 */
const LEAN_FLAG = '--no-maglev';

/** What keeps a helper small, for a Node of this major version. */
export const leanFlags = (major: number): string[] => [
  YOUNG_FLAG,
  SIZE_FLAG,
  ...(major >= LEAN_NODE ? [LEAN_FLAG] : []),
];

/**
 * Lets glibc's malloc give large buffers, as those of symbol tables, back when they are freed (mallopt(3)). For the helper alone: it takes
 * them away from what it starts.
 */
export const leanMalloc: Readonly<Record<string, string>> = {
  MALLOC_ARENA_MAX: '1',
  MALLOC_MMAP_THRESHOLD_: '131072',
};

/**
 * Finds Node ≥ 18 in the order: the setting, PATH, VS Code server's own, an uploaded one; then becomes it.
 * Arguments: nonce, hash, size in bytes, the setting's path or an empty word, the JavaScript below.
 */
const shellLine = [
  'nonce=$1; chosen=$4',
  'for node in "$chosen" "$(command -v node 2>/dev/null)" "$(command -v nodejs 2>/dev/null)"' +
    ' "$HOME"/.vscode-server/cli/servers/*/server/node "$HOME"/.vscode-server/bin/*/node' +
    ' "$HOME"/.cache/probescope/node; do' +
    ' [ -x "$node" ] || continue' +
    `; major=$("$node" -p "parseInt(process.versions.node)" 2>/dev/null) || continue` +
    `; [ "$major" -ge ${OLDEST_NODE} ] 2>/dev/null || continue` +
    `; lean=${YOUNG_FLAG}; [ "$major" -ge ${LEAN_NODE} ] && lean="$lean ${LEAN_FLAG}"` +
    `; export ${Object.entries(leanMalloc)
      .map((entry) => entry.join('='))
      .join(' ')}; exec "$node" $lean -e "$5" "$1" "$2" "$3"` +
    '; done',
  'echo "$nonce failed no-node"',
  'exit 1',
].join('; ');

/**
 * Stores the helper under its hash in a private folder (0700; the file 0600, written beside and renamed, its hash
 * verified before it is run) and requires it. A folder that belongs to somebody else is refused. What V8 compiled is kept
 * in the folder too, where Node can (from 22.1 on): the next helper parses nothing, answers sooner and is 5 MB smaller.
 */
const scriptLine = `
const [nonce, hash, size] = process.argv.slice(1);
const { createHash } = require("crypto"), fs = require("fs"), path = require("path"), os = require("os");
const say = (text) => fs.writeSync(1, nonce + " " + text + "\\n");
const fail = (code, error) => { say("failed " + code + " " + String(error && error.message || "")); process.exit(1); };
const sha = (file) => { try { return createHash("sha256").update(fs.readFileSync(file)).digest("hex"); } catch { return ""; } };
const folder = path.join(process.env.XDG_CACHE_HOME || path.join(os.homedir(), ".cache"), "probescope");
try {
  fs.mkdirSync(folder, { recursive: true, mode: 0o700 });
  const own = fs.lstatSync(folder);
  if (own.uid === process.getuid() && own.isDirectory()) fs.chmodSync(folder, 0o700);
  else throw new Error(folder + " belongs to another user");
} catch (error) { fail("no-folder", error); }
const file = path.join(folder, "helper-" + hash + ".js");
const keepCompiled = () => require("module").enableCompileCache?.(path.join(folder, "compiled"));
const become = () => { keepCompiled(); say("ready " + process.versions.node); process.argv[1] = file; try { require(file); } catch (error) { process.stderr.write(String(error.stack)); process.exit(1); } };
if (sha(file) === hash) become();
else {
  const parts = []; let received = 0;
  const take = (part) => {
    parts.push(part); received += part.length;
    if (received < Number(size)) return;
    process.stdin.off("data", take);
    const partial = file + "." + process.pid;
    try { fs.writeFileSync(partial, Buffer.concat(parts), { mode: 0o600 }); }
    catch (error) { try { fs.unlinkSync(partial); } catch {} fail("disk-full", error); }
    if (sha(partial) === hash) { fs.renameSync(partial, file); become(); }
    else { fs.unlinkSync(partial); fail("hash"); }
  };
  process.stdin.on("data", take); process.stdin.on("end", () => process.exit(1));
  say("upload");
}`
  .trim()
  // csh and tcsh end a quoted word at a newline
  .replaceAll('\n', ' ');

export interface BootstrapOptions {
  /** A random word without shell characters. */
  readonly nonce: string;
  /** SHA-256 of the helper's bundle, in hex. */
  readonly hash: string;
  readonly sizeBytes: number;
  readonly nodePath?: string;
}

/** The command line that becomes the helper on the target. */
export function bootstrapCommand(options: BootstrapOptions): [string, ...string[]] {
  const { nonce, hash, sizeBytes, nodePath = '' } = options;
  return ['sh', '-c', shellLine, 'sh', nonce, hash, String(sizeBytes), nodePath, scriptLine];
}

export type BootstrapLine =
  | { readonly kind: 'upload' }
  | { readonly kind: 'ready'; readonly nodeVersion: string }
  | { readonly kind: 'failed'; readonly code: BootstrapFailure; readonly detail: string }
  | { readonly kind: 'noise'; readonly text: string };

/** Reads one line of the conversation. */
export function bootstrapLine(line: string, nonce: string): BootstrapLine {
  const [first, word, ...rest] = line.split(' ');
  if (first !== nonce) return { kind: 'noise', text: line };
  if (word === 'upload') return { kind: 'upload' };
  if (word === 'ready') return { kind: 'ready', nodeVersion: rest[0] ?? '' };
  const code = bootstrapFailures.find((known) => known === rest[0]);
  if (word === 'failed' && code !== undefined)
    return { kind: 'failed', code, detail: rest.slice(1).join(' ') };
  return { kind: 'noise', text: line };
}
