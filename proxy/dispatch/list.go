package dispatch

// node links its owner into one list at a time. A node outside any list has nil links.
type node[T any] struct {
	next, prev *node[T]
	owner      *T
}

// list is an intrusive ring with itself as the sentinel, so that adding and removing allocate nothing and a node leaves its list without
// knowing which one it is. It must not be copied after init.
type list[T any] struct{ root node[T] }

func (l *list[T]) init() { l.root.next, l.root.prev = &l.root, &l.root }

func (l *list[T]) empty() bool { return l.root.next == &l.root }

// front returns the first owner, or nil: the sentinel owns nothing.
func (l *list[T]) front() *T { return l.root.next.owner }

func (l *list[T]) back() *T { return l.root.prev.owner }

func (l *list[T]) pushBack(n *node[T]) { n.insert(l.root.prev) }

func (l *list[T]) pushFront(n *node[T]) { n.insert(&l.root) }

// take moves all of from to the back of l.
func (l *list[T]) take(from *list[T]) {
	if from.empty() {
		return
	}
	first, last := from.root.next, from.root.prev
	first.prev, last.next = l.root.prev, &l.root
	l.root.prev.next, l.root.prev = first, last
	from.init()
}

// len counts, in time in proportion to the answer.
func (l *list[T]) len() (n int) {
	for at := l.root.next; at != &l.root; at = at.next {
		n++
	}
	return n
}

func (n *node[T]) linked() bool { return n.next != nil }

func (n *node[T]) insert(after *node[T]) {
	n.prev, n.next = after, after.next
	after.next.prev, after.next = n, n
}

// unlink takes the node out of its list, if it is in one.
func (n *node[T]) unlink() {
	if n.next == nil {
		return
	}
	n.prev.next, n.next.prev = n.next, n.prev
	n.next, n.prev = nil, nil
}
