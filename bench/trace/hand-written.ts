/** Scripts as people write them: what our path is held against. */

/** Entry time by thread, power-of-two histogram on return: the least that shows a latency. Wrong for recursion, coarse. */
export function plainScript(binary: string, names: readonly string[], pid: number): string {
  return names
    .map(
      (name, i) =>
        `uprobe:${binary}:${name} /pid == ${pid}/ { @s${i}[tid] = nsecs; }\n` +
        `uretprobe:${binary}:${name} /@s${i}[tid]/ { @l${i} = hist(nsecs - @s${i}[tid]); delete(@s${i}[tid]); }`,
    )
    .join('\n');
}

/**
 * The same figures as ours: counts, percentiles within 3 % (32 buckets a power of two), sum and maximum, right for
 * recursion by counting the depth, cleaned up when a thread ends; all maps printed once a second.
 */
export function equivalentScript(binary: string, names: readonly string[], pid: number): string {
  const clauses = names.map(
    (name, i) => `uprobe:${binary}:${name} /pid == ${pid}/ {
  @depth${i}[tid] = @depth${i}[tid] + 1;
  @start${i}[tid, @depth${i}[tid]] = nsecs;
  @calls["${name}"] = count();
}
uretprobe:${binary}:${name} /pid == ${pid} && @start${i}[tid, @depth${i}[tid]]/ {
  $d = nsecs - @start${i}[tid, @depth${i}[tid]];
  delete(@start${i}[tid, @depth${i}[tid]]);
  @depth${i}[tid] = @depth${i}[tid] - 1;
  $h = $d;
  $l = (uint64)0;
  if ($h >= 4294967296) { $h = $h >> 32; $l = $l + 32; }
  if ($h >= 65536) { $h = $h >> 16; $l = $l + 16; }
  if ($h >= 256) { $h = $h >> 8; $l = $l + 8; }
  if ($h >= 16) { $h = $h >> 4; $l = $l + 4; }
  if ($h >= 4) { $h = $h >> 2; $l = $l + 2; }
  if ($h >= 2) { $l = $l + 1; }
  $y = $d;
  if ($l > 5) { $y = (($l - 5) << 5) + ($d >> ($l - 5)); }
  @bucket["${name}", $y] = count();
  @sum["${name}"] = sum($d);
  @max["${name}"] = max($d);
}`,
  );
  const depths = names.map((_, i) => `delete(@depth${i}[tid]);`).join(' ');
  return [
    ...clauses,
    `tracepoint:sched:sched_process_exit { ${depths} }`,
    'interval:s:1 { print(@calls); print(@bucket); print(@sum); print(@max); }',
  ].join('\n');
}
