/** What the benchmark of the language server feeds it. */
import type { Catalog } from '../../protocol/catalog.ts';
import { generateProgram, randomNumbers } from '../../test/language/programs.ts';
import { seeded } from '../../test/unit/language/scripts.ts';

/** 2,000 lines of probes with a dozen statements each, no name twice; hardly a finding. */
export function tidyScript(): string {
  let text = 'BEGIN { printf("begin\\n"); }\n';
  for (let probe = 0; text.split('\n').length < 2000; probe++)
    text += `\nkprobe:vfs_read_${probe},\nkprobe:vfs_write_${probe}\n/pid > ${probe} && comm != "sh"/\n{\n\t$size = arg2;\n\t@start${probe}[tid] = nsecs;\n\t@bytes${probe}[comm, pid] = sum($size);\n\t@hist${probe} = hist($size / 1024);\n\tif ($size > 4096) {\n\t\tprintf("%s %d\\n", comm, $size); // large\n\t} else {\n\t\t@small${probe}++;\n\t}\n\tdelete(@start${probe}[tid]);\n}\n`;
  return text;
}

/** 2,000 lines of generated probes that share maps, one statement a line; some 400 findings. */
export function tangledScript(): string {
  const random = randomNumbers(1);
  const probes: string[] = [];
  for (let lines = 0; lines < 2000;) {
    const probe = generateProgram(random, 17)
      .replaceAll(/^(BEGIN|END)\b/gm, 'interval:s:1')
      .replaceAll('; ', ';\n  ');
    probes.push(probe);
    lines += probe.split('\n').length;
  }
  return probes.join('\n');
}

const words =
  'tcp udp vfs ext4 block sched page alloc read write inode queue lock init free send recv map irq timer'.split(
    ' ',
  );

/** 100,000 probe names as a large kernel has them: 97,000 functions with prototypes, 3,000 tracepoints with fields. */
export function largeCatalog(): Catalog {
  const random = seeded(1);
  const word = (): string => words[random(words.length)] ?? '';
  const functions: Record<string, string> = {};
  for (let index = 0; index < 97_000; index++)
    functions[`${word()}_${word()}_${word()}_${index.toString(36)}`] = 'int;struct file *|file;size_t|count';
  const block: Record<string, string> = {};
  const fields = Array.from({ length: 8 }, (_, field) => `unsigned long|field_${field}|${field * 8}`).join(
    ';',
  );
  for (let index = 0; index < 3000; index++) block[`block_${word()}_${index}`] = fields;
  return {
    format: 'probescope-catalog',
    version: 1,
    target: {},
    tracepoints: { block },
    functions,
    structs: {},
    enums: {},
  };
}
