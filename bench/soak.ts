// `npm run soak [-- KILLS]`: kills what stands between an editor and a probe, at random, and looks for what is left.
import { integrityOf, KillLab, victims, type KillOutcome } from '../test/lab/kills.ts';
import { missingForLab } from '../test/lab/run.ts';

/** One in so many strikes is a cut of the link instead of a kill. */
const CUT_EVERY = 20;
const DEFAULT_KILLS = 200;
/** What the figures are held against, in ms. */
const CLEAN_LIMIT_MS = 2000;
const CUT_LIMIT_MS = 6000;

interface Strike extends KillOutcome {
  readonly what: string;
}

async function main(kills: number): Promise<void> {
  const missing = missingForLab('ip', 'ssh', 'sshd', 'sudo', 'bpftrace', 'gcc');
  if (missing !== undefined) throw new Error(missing);
  const lab = await KillLab.start('pssoak', 79);
  const strikes: Strike[] = [];
  try {
    for (let kill = 1; kill <= kills; kill++) {
      const what = victims[Math.floor(Math.random() * victims.length)] ?? 'helper';
      const strike =
        kill % CUT_EVERY === 0
          ? { what: 'link cut', ...(await lab.cut()) }
          : { what, ...(await lab.kill(what)) };
      strikes.push(strike);
      if (strike.left.length > 0) console.log(`ORPHANS after ${strike.what}: ${strike.left.join('; ')}`);
    }
    print(strikes);
    const corrupt = lab.recordings.filter((path) => integrityOf(path) !== 'ok');
    const orphans = strikes.reduce((sum, { left }) => sum + left.length, 0);
    console.log(
      `${kills} strikes: ${orphans} orphans, ${corrupt.length} of ${lab.recordings.length} recordings corrupt`,
    );
    if (orphans + corrupt.length > 0) process.exitCode = 1;
  } finally {
    await lab.stop();
  }
}

function print(strikes: readonly Strike[]): void {
  console.log('what            n   clean p50/max ms (limit)   data age max ms   again p50/max ms');
  for (const what of [...victims, 'link cut']) {
    const own = strikes.filter((strike) => strike.what === what);
    if (own.length === 0) continue;
    const limit = what === 'link cut' ? CUT_LIMIT_MS : CLEAN_LIMIT_MS;
    const figures = (pick: (strike: Strike) => number) => own.map(pick).sort((a, b) => a - b);
    const [clean, age, again] = [
      figures(({ cleanMs }) => cleanMs),
      figures(({ dataAgeMs }) => dataAgeMs),
      figures(({ againMs }) => againMs),
    ];
    const middle = (list: readonly number[]) => list[Math.floor(list.length / 2)];
    console.log(
      `${what.padEnd(15)} ${String(own.length).padEnd(3)} ${middle(clean)} / ${clean.at(-1)} (${limit})   ${age.at(-1)}   ${middle(again)} / ${again.at(-1)}`,
    );
  }
}

void main(Number(process.argv[2] ?? DEFAULT_KILLS));
