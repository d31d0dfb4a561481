import { posix, win32 } from "node:path";
import type { Client, Machine } from "./client.ts";

const stdio = { type: "stdio" };

/** Every client we can write the configuration of. Each line follows the vendor's documentation as of November 2026. */
export const clients: readonly Client[] = [
  {
    name: "claude-desktop",
    title: "Claude Desktop",
    format: "json",
    section: "mcpServers",
    files: (machine) => {
      const usual = inFolder(applicationData(machine), machine, "Claude", "claude_desktop_config.json");
      const { LOCALAPPDATA } = machine.env;
      // An app from the Microsoft Store sees a private copy of %APPDATA%.
      const store = ["Packages", "Claude_pzs8sxrjxfjjc", "LocalCache", "Roaming", "Claude", "claude_desktop_config.json"];
      return machine.platform === "win32" && LOCALAPPDATA ? [usual, inFolder(LOCALAPPDATA, machine, ...store)] : [usual];
    },
    reload: "Quit Claude Desktop and start it again",
  },
  {
    name: "claude-code",
    title: "Claude Code",
    format: "json",
    section: "mcpServers",
    extra: stdio,
    files: (machine) => [inFolder(machine.env.CLAUDE_CONFIG_DIR || machine.home, machine, ".claude.json")],
    signs: (machine) => [inFolder(machine.env.CLAUDE_CONFIG_DIR || machine.home, machine, ".claude.json"), atHome(machine, ".claude")],
    projectFile: ".mcp.json",
    reload: "Start a new session; /mcp shows the server",
  },
  {
    name: "cursor",
    title: "Cursor",
    format: "json",
    section: "mcpServers",
    files: (machine) => [atHome(machine, ".cursor", "mcp.json")],
    projectFile: ".cursor/mcp.json",
    reload: "Enable it under Cursor Settings, MCP",
  },
  {
    name: "vscode",
    title: "VS Code",
    format: "json",
    section: "servers",
    extra: stdio,
    files: (machine) => [inFolder(applicationData(machine), machine, "Code", "User", "mcp.json")],
    projectFile: ".vscode/mcp.json",
    reload: 'Run "MCP: List Servers" from the command palette and start it',
  },
  {
    name: "windsurf",
    title: "Windsurf",
    format: "json",
    section: "mcpServers",
    files: (machine) => [atHome(machine, ".codeium", "windsurf", "mcp_config.json")],
    reload: "Press the refresh button of the MCP panel in Cascade",
  },
  {
    name: "zed",
    title: "Zed",
    format: "json",
    section: "context_servers",
    files: (machine) => {
      const { env, platform } = machine;
      if (platform === "win32") return [inFolder(applicationData(machine), machine, "Zed", "settings.json")];
      const config = (platform === "linux" && env.XDG_CONFIG_HOME) || atHome(machine, ".config");
      return [inFolder(config, machine, "zed", "settings.json")];
    },
    projectFile: ".zed/settings.json",
    reload: "Zed starts the server by itself",
  },
  {
    name: "codex",
    title: "Codex",
    format: "toml",
    section: "mcp_servers",
    files: (machine) => [inFolder(machine.env.CODEX_HOME || atHome(machine, ".codex"), machine, "config.toml")],
    projectFile: ".codex/config.toml",
    reload: "Start a new session; /mcp shows the server",
  },
  {
    name: "gemini",
    title: "Gemini CLI",
    format: "json",
    section: "mcpServers",
    files: (machine) => [atHome(machine, ".gemini", "settings.json")],
    projectFile: ".gemini/settings.json",
    reload: "Start a new session; /mcp shows the server",
  },
];

/** Where applications keep their settings: %APPDATA%, ~/Library/Application Support, or $XDG_CONFIG_HOME. */
function applicationData(machine: Machine): string {
  const { platform, env } = machine;
  if (platform === "win32") return env.APPDATA || atHome(machine, "AppData", "Roaming");
  if (platform === "darwin") return atHome(machine, "Library", "Application Support");
  return env.XDG_CONFIG_HOME || atHome(machine, ".config");
}

function atHome(machine: Machine, ...names: readonly string[]): string {
  return inFolder(machine.home, machine, ...names);
}

function inFolder(folder: string, { platform }: Machine, ...names: readonly string[]): string {
  return (platform === "win32" ? win32 : posix).join(folder, ...names);
}
