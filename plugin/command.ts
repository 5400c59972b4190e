/** A command as a resource of this plugin, which finds its script wherever the plugin is: the state has no path. */
import * as pulumi from "@pulumi/pulumi";
import type { CommandArgs, CommandResource, MakeCommand } from "../components/resources/command.ts";

class Command extends pulumi.CustomResource implements CommandResource {
  declare readonly stdout: pulumi.Output<string>;
  declare readonly environment: pulumi.Output<Record<string, string> | undefined>;

  constructor(name: string, args: CommandArgs, options: pulumi.CustomResourceOptions) {
    const replaceOnChanges = ["triggers[*]", ...(options.replaceOnChanges ?? [])];
    super("kube-proxy:index:Command", name, { ...args, stdout: undefined }, { ...options, replaceOnChanges });
  }
}

export const ownCommand: MakeCommand = (name, args, options) => new Command(name, args, options);
