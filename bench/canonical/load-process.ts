import { spawn } from "node:child_process";
import { join } from "node:path";
import type { Task, TaskResult } from "./task.ts";

const PROGRAM = join(import.meta.dirname, "load-main.ts");
const TASK_MS_MAX = 180_000;

/** Runs a task in a process of its own; `onReady` is awaited before its clock runs. */
export async function runTask(task: Task, onReady: () => Promise<void>): Promise<TaskResult> {
  // The packages as they are built, like in a user's program: only this folder is translated.
  const child = spawn(process.execPath, ["--import", "tsx", PROGRAM, JSON.stringify(task)], {
    stdio: ["ignore", "inherit", "inherit", "ipc"],
    timeout: TASK_MS_MAX,
  });
  return await new Promise<TaskResult>((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code, signal) => {
      reject(new Error(`the load process ended with ${code ?? signal} before its result`));
    });
    child.on("message", (message: TaskResult | { readonly kind: "ready" }) => {
      if (message.kind !== "ready") {
        resolve(message);
        return;
      }
      onReady().then(() => child.send({ kind: "go" }), reject);
    });
  });
}
