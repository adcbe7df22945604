// Prints the closing line that CI reads, and the reason of every skip.
import type { Reporter, TestModule } from 'vitest/node';

export class ClosingLine implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    let passed = 0;
    let failed = 0;
    const skips: string[] = [];
    for (const module of modules) {
      if (module.errors().length > 0) failed++;
      for (const test of module.children.allTests()) {
        const result = test.result();
        if (result.state === 'passed') passed++;
        else if (result.state === 'failed') failed++;
        else if (result.state === 'skipped')
          skips.push(`${test.fullName}: ${result.note ?? 'no reason was given'}`);
      }
    }
    console.log();
    for (const skip of skips) console.log(`skipped ${skip}`);
    console.log(`${passed} passed, ${failed} failed, ${skips.length} skipped`);
  }
}

export { ClosingLine as default };
