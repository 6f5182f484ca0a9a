/** The page of the Temporal UI that shows a workflow. */
export function workflowPage(uiUrl: string, workflowId: string): string {
  return `${uiUrl}/namespaces/default/workflows/${encodeURIComponent(workflowId)}`;
}
