//! Order, reachability and circles; the only file that knows petgraph.

use petgraph::algo::tarjan_scc;
use petgraph::graph::DiGraph;
use petgraph::graph::NodeIndex;
use petgraph::visit::Bfs;

/// `edges[a]` lists what `a` depends on.
fn graph(edges: &[Vec<usize>]) -> DiGraph<(), ()> {
    let mut graph = DiGraph::new();
    let nodes: Vec<NodeIndex> = edges.iter().map(|_| graph.add_node(())).collect();
    for (from, to) in edges
        .iter()
        .enumerate()
        .flat_map(|(a, list)| list.iter().map(move |b| (a, *b)))
    {
        graph.update_edge(nodes[from], nodes[to], ());
    }
    graph
}

/// What `start` needs, itself included.
pub fn reachable(edges: &[Vec<usize>], start: usize) -> Vec<bool> {
    let graph = graph(edges);
    let mut seen = vec![false; edges.len()];
    let mut walk = Bfs::new(&graph, NodeIndex::new(start));
    while let Some(node) = walk.next(&graph) {
        seen[node.index()] = true;
    }
    seen
}

/// The first node, in order, that lies on a circle.
pub fn find_circle(edges: &[Vec<usize>]) -> Option<usize> {
    let graph = graph(edges);
    tarjan_scc(&graph)
        .into_iter()
        .filter(|component| component.len() > 1 || graph.contains_edge(component[0], component[0]))
        .flatten()
        .map(NodeIndex::index)
        .min()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_target_needs_and_circles() {
        let edges = vec![vec![], vec![0], vec![], vec![1]];
        assert_eq!(reachable(&edges, 3), [true, true, false, true]);
        assert_eq!(find_circle(&edges), None);
        assert_eq!(find_circle(&[vec![], vec![2], vec![1]]), Some(1));
        assert_eq!(find_circle(&[vec![0]]), Some(0));
    }
}
