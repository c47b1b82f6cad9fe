// The image's health check: done with 0 when the broker in this container says that it is ready.
import process from "node:process";

const port = process.env.STRATALOG_LISTENERS_HTTP_PORT ?? "9644";
try {
  const answer = await fetch(`http://127.0.0.1:${port}/readyz`, {
    signal: AbortSignal.timeout(2000),
  });
  process.stdout.write(await answer.text());
  process.exitCode = answer.ok ? 0 : 1;
} catch (error) {
  process.stdout.write(`no answer from port ${port}: ${error.message}\n`);
  process.exitCode = 1;
}
