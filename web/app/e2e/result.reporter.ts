// Prints what a benchmark says, and its RESULT line last.

import type { FullResult, Reporter, TestCase, TestError, TestResult } from '@playwright/test/reporter';

export default class ResultReporter implements Reporter {
  private readonly figures: string[] = [];

  printsToStdio(): boolean {
    return true;
  }

  onStdOut(chunk: string | Buffer): void {
    process.stdout.write(chunk);
  }

  onError(error: TestError): void {
    process.stderr.write(`${error.message ?? ''}\n`);
  }

  onTestEnd(_: TestCase, result: TestResult): void {
    result.errors.forEach((error) => this.onError(error));
    for (const { type, description } of result.annotations) {
      if (type === 'result' && description) {
        this.figures.push(description);
      }
    }
  }

  onEnd({ status }: FullResult): void {
    if (status === 'passed') {
      process.stdout.write(`RESULT ${this.figures.join(' ')}\n`);
    }
  }
}
