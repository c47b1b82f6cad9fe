export { diffLines, withoutLogLines } from "./script/compare-output.ts";
export { parseScript, type ScriptCase, ScriptSyntaxError } from "./script/parse-script.ts";
export {
  rewriteScript,
  runScript,
  type ScriptEnvironment,
  type ScriptMismatch,
  type ScriptResult,
} from "./script/run-script.ts";
