import type { Command } from "commander";

const EXAMPLES = `
Examples:
  strata completion bash >> ~/.bashrc
  strata completion zsh > "\${fpath[1]}/_strata"
  strata completion fish > ~/.config/fish/completions/strata.fish

Also for powershell. The script asks strata itself, so it knows every command that there is.`;

/**
 * Adds `strata completion`, and the hidden `strata complete` that its scripts call. `createTree`
 * makes the tree of commands to complete. The library is loaded only when one of the two runs.
 */
export function addCompletionCommand(program: Command, createTree: () => Command): void {
  const run = async (args: readonly string[]): Promise<void> => {
    const { default: complete } = await import("@bomb.sh/tab/commander");
    const tree = createTree();
    complete(tree, { completionCommandName: "completion" });
    await tree.parseAsync(args, { from: "user" });
  };
  program
    .command("completion <shell>")
    .summary("print a completion script for a shell")
    .description("Prints a script that completes command lines in bash, zsh, fish or powershell.")
    .addHelpText("after", EXAMPLES)
    .action((shell: string) => run(["completion", shell]));
  program
    .command("complete [words...]", { hidden: true })
    .description("Answers what could come next on a command line.")
    .allowUnknownOption()
    .addHelpText("after", "\nExamples:\n  strata complete -- topic cr")
    .action((words: readonly string[]) => run(["complete", "--", ...words]));
}
