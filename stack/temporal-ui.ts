/** The Temporal UI's page of a workflow; without one, the list of all. */
export function workflowPage(uiUrl: string, workflowId = ''): string {
  const list = `${uiUrl}/namespaces/default/workflows`;
  return workflowId === '' ? list : `${list}/${encodeURIComponent(workflowId)}`;
}
